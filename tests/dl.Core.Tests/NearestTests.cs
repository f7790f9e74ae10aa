namespace Dl.Tests;

public class NearestTests
{
    private static readonly string[] Names = ["adam", "adamw", "sgd"];

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "abc", 0)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("sgd", "sdg", 2)]
    public void Distance_counts_edits(string a, string b, int edits) =>
        Assert.Equal(edits, Nearest.Distance(a, b));

    [Fact]
    public void Long_names_do_not_need_the_stack() =>
        Assert.Equal(1, Nearest.Distance(new string('a', 500), new string('a', 499)));

    [Theory]
    [InlineData("adm", "adam")]
    [InlineData("adamv", "adam")]
    [InlineData("sdg", "sgd")]
    [InlineData("rmsprop", null)]
    public void Finds_what_was_meant(string given, string? meant) =>
        Assert.Equal(meant, Nearest.Find(given, Names));

    [Fact]
    public void The_message_names_the_nearest_and_lists_all()
    {
        Assert.Equal(
            "optimizer 'adm': no such optimizer; did you mean 'adam'? (adam, adamw, sgd)",
            Nearest.Unknown("optimizer", "adm", Names));
        Assert.Equal(
            "optimizer 'rmsprop': no such optimizer (adam, adamw, sgd)",
            Nearest.Unknown("optimizer", "rmsprop", Names));
    }
}
