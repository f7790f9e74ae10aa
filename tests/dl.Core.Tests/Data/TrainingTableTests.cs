using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class TrainingTableTests
{
    private static TrainingData Open(DataOptions options, ListLogger? log = null) =>
        TrainingData.Open(
            options, log ?? (Microsoft.Extensions.Logging.ILogger)NullLogger.Instance);

    private static (float[] Features, float[] Target) Sample(IDataset data, int index)
    {
        var features = new float[data.FeatureShape.Count];
        var target = new float[data.TargetWidth];
        data.Read(index, features, target);
        return (features, target);
    }

    /// <summary>x = 0..n-1, a category, and a class of two.</summary>
    private static string Table(int n)
    {
        var text = new StringBuilder("x,color,label\n");
        for (int i = 0; i < n; i++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{i},{"rgb"[i % 3]},{(i % 4 == 0 ? "yes" : "no")}\n");
        }
        return text.ToString();
    }

    [Fact]
    public void NumbersAreStandardisedAndGapsFilledWithTheMedianAndFlagged()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", "a,b,c,y\n1,u,5,p\n2,v,5,q\n,u,5,p\n6,?,5,q\n");
        DataSplits splits = Open(new DataOptions { Inputs = [path] }).Split();
        var table = (TablePreprocessing)splits.Preprocessing;
        FeatureColumn a = table.Columns[0];
        // 1, 2, 2 (the median), 6: mean 2.75, variance 3.6875.
        Assert.Equal((2, 2.75, true), (a.Fill, a.Mean, a.MissingFlag));
        Assert.Equal(Math.Sqrt(3.6875), a.Std, 1e-12);
        Assert.Equal(["u", "v"], table.Columns[1].Categories);
        Assert.Equal(1, table.Columns[2].Std);
        Assert.Equal(["p", "q"], table.Target.Labels);
        Assert.Equal(2 + 3 + 1, splits.Train.FeatureShape.Count);
        (float[] third, float[] target) = Sample(splits.Train, 2);
        Assert.Equal((2 - 2.75) / Math.Sqrt(3.6875), third[0], 1e-6);
        Assert.Equal([1f, 1f, 0f, 0f, 0f], third[1..]);
        Assert.Equal([0f], target);
        (float[] fourth, _) = Sample(splits.Train, 3);
        Assert.Equal([0f, 0f, 0f, 1f, 0f], fourth[1..]);
        Assert.Equal($"{path}:5", splits.Train.Locate(3));
    }

    [Theory]
    [InlineData("0,1,0,1,0,1,0,1", TargetKind.Classes)]
    [InlineData("0.5,1,0,1,0,1,0,1", TargetKind.Numeric)]
    [InlineData("10,20,30,40,50,60,70,80", TargetKind.Numeric)]
    [InlineData("a,b,a,b,a,b,a,b", TargetKind.Classes)]
    [InlineData("True,False,True,True,False,True,True,True", TargetKind.Classes)]
    public void TheKindOfTargetIsInferred(string values, TargetKind expected)
    {
        using var folder = new TemporaryFolder();
        string rows = string.Concat(values.Split(',').Select((v, i) => $"{i}.5,{v}\n"));
        string path = folder.Write("t.csv", "x,out\n" + rows);
        var log = new ListLogger();
        DataSplits splits = Open(new DataOptions { Inputs = [path] }, log).Split();
        Assert.Equal(expected, splits.Preprocessing.Target.Kind);
        Assert.Contains(log.Lines, l => l.Contains("'out'"));
    }

    [Fact]
    public void ATargetByItsUsualNameComesBeforeTheLastColumn()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", "Label,x\n" + string.Concat(
            Enumerable.Range(0, 8).Select(i => $"{(i % 2 == 0 ? "a" : "b")},{i}\n")));
        Assert.Equal(["Label"], Open(new DataOptions { Inputs = [path] }).Split()
            .Preprocessing.Target.Names);
    }

    [Fact]
    public void SeveralTargetsAreNumbersOrLabels()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "t.csv", "x,u,v,p,q\n1,0,1,10,100\n2,1,1,20,300\n3,1,0,30,500\n");
        TargetSpec labels = Open(new DataOptions { Inputs = [path], Target = ["u", "v"] }).Split()
            .Preprocessing.Target;
        Assert.Equal((TargetKind.MultiLabel, 2), (labels.Kind, labels.Width));
        DataSplits numbers = Open(new DataOptions { Inputs = [path], Target = ["p", "q"] }).Split();
        Assert.Equal([20f, 300f], numbers.Preprocessing.Target.Mean);
        (_, float[] target) = Sample(numbers.Train, 2);
        Assert.Equal(Math.Sqrt(1.5), target[0], 1e-5);
        Assert.Equal(Math.Sqrt(1.5), target[1], 1e-5);
    }

    [Fact]
    public void OneColumnOfLabelListsIsMultiLabel()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", "x,tags\n1,red|big\n2,big\n3,\n4,blue | red\n");
        DataSplits splits = Open(new DataOptions { Inputs = [path], Task = "multilabel" }).Split();
        Assert.Equal(["big", "blue", "red"], splits.Preprocessing.Target.Labels);
        Assert.Equal([1f, 0f, 1f], Sample(splits.Train, 0).Target);
        Assert.Equal([0f, 0f, 0f], Sample(splits.Train, 2).Target);
        Assert.Equal([0f, 1f, 1f], Sample(splits.Train, 3).Target);
    }

    [Fact]
    public void CutsAreStratifiedSeededAndDisjoint()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", Table(200));
        DataSplits Cut(ulong seed) => Open(new DataOptions
        {
            Inputs = [path], Split = [0.6, 0.2, 0.2], Seed = seed,
        }).Split();
        DataSplits splits = Cut(1);
        IDataset[] parts = [splits.Train, splits.Validation!, splits.Test!];
        Assert.Equal([120, 40, 40], parts.Select(p => p.Count));
        var places = new HashSet<string>();
        foreach (IDataset part in parts)
        {
            int yes = 0;
            for (int i = 0; i < part.Count; i++)
            {
                Assert.True(places.Add(part.Locate(i)));
                yes += Sample(part, i).Target[0] == 1 ? 1 : 0;
            }
            Assert.InRange(yes, (part.Count / 4) - 1, (part.Count / 4) + 1);
        }
        string[] Names(DataSplits s) => [.. Enumerable.Range(0, 40).Select(s.Test!.Locate)];
        Assert.Equal(Names(splits), Names(Cut(1)));
        Assert.NotEqual(Names(splits), Names(Cut(2)));
    }

    [Fact]
    public void FoldsHoldOutEverySampleOnceARepeat()
    {
        using var folder = new TemporaryFolder();
        TrainingData data = Open(new DataOptions { Inputs = [folder.Write("t.csv", Table(103))] });
        DataSplits[] folds = [.. data.Folds(5, 2)];
        Assert.Equal(10, folds.Length);
        for (int repeat = 0; repeat < 2; repeat++)
        {
            var held = new HashSet<string>();
            foreach (DataSplits fold in folds[(repeat * 5)..((repeat * 5) + 5)])
            {
                Assert.Null(fold.Validation);
                Assert.Equal(103, fold.Train.Count + fold.Test!.Count);
                Assert.All(Enumerable.Range(0, fold.Test.Count), i => Assert.True(
                    held.Add(fold.Test.Locate(i))));
            }
            Assert.Equal(103, held.Count);
        }
        // Fitted on the training part of the fold alone: the means differ.
        Assert.NotEqual(Mean(folds[0]), Mean(folds[1]));
        Assert.NotEqual(folds[0].Test!.Locate(0) + folds[0].Test!.Locate(1),
            folds[5].Test!.Locate(0) + folds[5].Test!.Locate(1));
        static double Mean(DataSplits s) => ((TablePreprocessing)s.Preprocessing).Columns[0].Mean;
    }

    [Fact]
    public void APartForValidationIsCutWhereThereAreFiftySamples()
    {
        using var folder = new TemporaryFolder();
        string small = folder.Write("s.csv", Table(40));
        string large = folder.Write("l.csv", Table(60));
        Assert.Null(Open(new DataOptions { Inputs = [small] }).Split().Validation);
        Assert.Equal(6, Open(new DataOptions { Inputs = [large] }).Split().Validation!.Count);
        Assert.Null(
            Open(new DataOptions { Inputs = [large], Validation = "none" }).Split().Validation);
    }

    [Fact]
    public void PartsAreFoundInAFolderAndMatchedByName()
    {
        using var folder = new TemporaryFolder();
        folder.Write("d/train.csv", Table(60));
        folder.Write("d/val.csv", "label,x,color,more\nyes,1,r,0\n");
        folder.Write("d/test.csv", "x,color\n5,b\n");
        var log = new ListLogger();
        DataSplits splits = Open(new DataOptions { Inputs = [folder["d"]] }, log).Split();
        Assert.Equal((60, 1), (splits.Train.Count, splits.Validation!.Count));
        Assert.Null(splits.Test);
        Assert.Contains(log.Lines, l => l.Contains("no target column"));
    }

    [Theory]
    [InlineData("a,b,y\n1,2,0\n1,2\n", ":3: the row has 2 fields, expected 3")]
    [InlineData("a,a,y\n1,2,0\n", ":1: column 'a' is there twice (columns 1 and 2)")]
    [InlineData("a,y\n1,p\n2,\n3,q\n", ":3: no value in target y")]
    [InlineData("a,y\n1,1.5\ninf,2.5\n", ":3: column 'a' is infinite")]
    [InlineData("a,y\n1,1.5\n2,1e999\n", ":3: column 'y' is infinite")]
    [InlineData("a,y\n1,1.5\n2,NaN\n", ":3: no value in target y")]
    [InlineData("", "the file is empty")]
    [InlineData("a,y\n", "no rows")]
    [InlineData("a,y\n1,p\n2,p\n", "expected at least two classes")]
    public void BadTablesAreRefusedByFileAndLine(string text, string message)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("bad.csv", text);
        var error = Assert.Throws<DataException>(
            () => Open(new DataOptions { Inputs = [path] }).Split());
        Assert.Contains(message, error.Message);
        Assert.Contains("bad.csv", error.Message.Replace("target 'y'", "bad.csv"));
    }

    [Fact]
    public void ATextAmongNumbersIsNamedAndDoesNotMakeCategories()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", "x,y\n" + string.Concat(Enumerable.Range(0, 100)
            .Select(i => $"{(i == 41 ? "4l" : $"{i}.5")},{(i % 2 == 0 ? "a" : "b")}\n")));
        Assert.Contains(
            "t.csv:43: column 'x' is '4l', expected a number", Assert.Throws<DataException>(
            () => Open(new DataOptions { Inputs = [path] })).Message);
        DataSplits splits = Open(
            new DataOptions { Inputs = [path], SkipBad = true, Validation = "none" }).Split();
        Assert.Equal((99, 1L), (splits.Train.Count, splits.Train.FeatureShape.Count));
    }

    [Fact]
    public void BadRowsCanBeLeftOut()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", "a,y\n1,p\n2\n3,q\n4,\ninf,p\n6,q\n");
        var log = new ListLogger();
        DataSplits splits = Open(new DataOptions { Inputs = [path], SkipBad = true }, log).Split();
        Assert.Equal(3, splits.Train.Count);
        Assert.Contains(log.Lines, l => l.StartsWith("3 bad"));
    }

    [Fact]
    public void UnknownColumnsGetTheNearestName()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", Table(10));
        Assert.Contains("did you mean 'color'", Assert.Throws<UsageException>(() => Open(
            new DataOptions { Inputs = [path], Ignore = ["colour"] })).Message);
        Assert.Contains("did you mean 'label'", Assert.Throws<UsageException>(() => Open(
            new DataOptions { Inputs = [path], Target = ["lable"] })).Message);
    }

    [Fact]
    public void PreprocessingSurvivesJson()
    {
        using var folder = new TemporaryFolder();
        Preprocessing before = Open(new DataOptions
        {
            Inputs = [folder.Write("t.csv", "a,b,y\n1.5,u,0\n,v,1\n3,u,0\n5,,1\n")],
        }).Split().Preprocessing;
        string json = JsonSerializer.Serialize(before, DataJson.Default.Preprocessing);
        Assert.Contains("\"type\":\"table\"", json);
        Assert.Contains("\"missing_flag\":true", json);
        Preprocessing after = JsonSerializer.Deserialize(json, DataJson.Default.Preprocessing)!;
        Assert.Equal(json, JsonSerializer.Serialize(after, DataJson.Default.Preprocessing));
        Assert.Equal(before.FeatureShape, after.FeatureShape);
    }

    [Fact]
    public void TheFingerprintIsThatOfTheContent()
    {
        using var folder = new TemporaryFolder();
        string Print(string name, string text) =>
            Open(new DataOptions { Inputs = [folder.Write(name, text)] }).Fingerprint;
        string first = Print("one/t.csv", Table(20));
        Assert.Equal(first, Print("two/t.csv", Table(20)));
        Assert.NotEqual(first, Print("three/t.csv", Table(21)));
        Assert.Equal(32, first.Length);
    }

    [SkippableTheory]
    [InlineData("iris.csv", null, TargetKind.Classes, 3, 4)]
    [InlineData("titanic.csv", "survived", TargetKind.Classes, 2, 39)]
    [InlineData("penguins.csv", "species", TargetKind.Classes, 3, 15)]
    [InlineData("diamonds.csv", "price", TargetKind.Numeric, 1, 29)]
    [InlineData("california-housing.csv", "median_house_value", TargetKind.Numeric, 1, 15)]
    [InlineData("abalone.csv", null, TargetKind.Numeric, 1, 11)]
    [InlineData("sonar.csv", null, TargetKind.Classes, 2, 60)]
    [InlineData("mpg.csv", "mpg", TargetKind.Numeric, 1, 11)]
    [InlineData("tips.csv", "tip", TargetKind.Numeric, 1, 16)]
    public void RealTablesAreUnderstood(
        string file, string? target, TargetKind kind, int width, int features)
    {
        string path = Shared.Data("tabular", file);
        var log = new ListLogger();
        DataSplits splits = Open(new DataOptions
        {
            Inputs = [path],
            Target = target is null ? [] : [target],
            Ignore = file == "titanic.csv" ? ["alive"] : [],
        }, log).Split();
        Assert.Equal(
            (kind, width), (splits.Preprocessing.Target.Kind, splits.Preprocessing.Target.Width));
        Assert.True(
            features == splits.Train.FeatureShape.Count,
            $"{splits.Train.FeatureShape.Count} features\n{string.Join('\n', log.Lines)}\n"
            + JsonSerializer.Serialize(splits.Preprocessing, DataJson.Default.Preprocessing));
        for (int i = 0; i < splits.Train.Count; i++)
        {
            (float[] x, float[] y) = Sample(splits.Train, i);
            Assert.All(x, value => Assert.True(float.IsFinite(value)));
            Assert.True(float.IsFinite(y[0]));
        }
    }
}
