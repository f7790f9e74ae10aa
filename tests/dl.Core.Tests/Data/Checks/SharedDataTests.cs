// Real data: what is known to be wrong with them is found, and nothing that is not.
namespace Dl.Data.Tests.Checks;

public class SharedDataTests
{
    /// <param name="path">Below the shared data.</param>
    /// <param name="target">Null: inferred.</param>
    /// <param name="codes">All kinds of warnings and errors that there are.</param>
    [SkippableTheory]
    [InlineData("tabular/iris.csv", null, "duplicate-row")]
    [InlineData("tabular/penguins.csv", "species", "")]
    [InlineData("tabular/sonar.csv", null, "")]
    [InlineData("tabular/mpg.csv", "mpg", "")]
    [InlineData("tabular/tips.csv", "tip", "duplicate-row")]
    [InlineData("tabular/abalone.csv", null, "outlier")]
    [InlineData("tabular/california-housing.csv", "median_house_value", "outlier")]
    [InlineData("tabular/titanic.csv", "survived", "duplicate-row,leakage,mostly-missing")]
    [InlineData("tabular/diamonds.csv", "price", "duplicate-row,outlier,sentinel")]
    [InlineData("timeseries/daily-min-temperatures.csv", null, "")]
    [InlineData("traffic/los_speed.csv", null, "numeric-header,outlier")]
    [InlineData("eurosat-mini", null, "")]
    [InlineData("flowers", null, "duplicate-picture")]
    public void TheFindingsAreThoseThatAreTrue(string path, string? target, string codes)
    {
        Checked found = Checked.Of(new DataOptions
        {
            Inputs = [Shared.Data(path.Split('/'))],
            Target = target is null ? [] : [target],
        });
        IEnumerable<string> given = found.All
            .Where(f => f.Severity > Dl.Data.Checks.Severity.Note)
            .Select(f => f.Kind.Code).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(codes, string.Join(',', given));
    }

    [SkippableFact]
    public void TheColumnOfTheTitanicThatRepeatsTheAnswerIsNamed()
    {
        Checked found = Checked.Of(new DataOptions
        {
            Inputs = [Shared.Data("tabular", "titanic.csv")],
            Target = ["survived"],
        });
        Assert.EndsWith("column 'alive'", Assert.Single(found["leakage"]).Place);
    }

    [SkippableFact]
    public void OfIrisTheOnePairOfEqualRowsIsNamed()
    {
        string path = Shared.Data("tabular", "iris.csv");
        Assert.Equal(
            $"{path}:144: equal to {path}:103 in all columns",
            Assert.Single(Checked.Of(path).All).ToString());
    }
}
