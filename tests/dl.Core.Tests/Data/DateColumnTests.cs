// Columns of dates: which texts are dates, and that they are numbers in training and prediction.
using System.Globalization;
using System.Text;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class DateColumnTests
{
    [Theory]
    [InlineData("1970-01-01", 0)]
    [InlineData("1969-12-31", -1)]
    [InlineData("2000-03-01", 11017)]
    [InlineData("1970-01-02T06:00", 1.25)]
    [InlineData("1970-01-02 06:00:00", 1.25)]
    [InlineData("1970-01-01T00:00:00.5Z", 0.5 / 86400)]
    [InlineData("1970-01-02T02:00:00.000+02:00", 1)]
    public void IsoDatesAreDaysSince1970(string text, double expected)
    {
        Assert.True(Cell.TryDate(text, out double days));
        Assert.Equal(expected, days, 1e-12);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2024")]
    [InlineData("2024-05")]
    [InlineData("2023-02-29")]
    [InlineData("2024-5-17")]
    [InlineData("17.05.2024")]
    [InlineData("2024-05-17x")]
    [InlineData("2024-05-17T25:00")]
    [InlineData("0001-01-01T00:00+14:00")]
    public void OtherTextsAreNot(string text) => Assert.False(Cell.TryDate(text, out _));

    [Fact]
    public void ADateIsANumberInTrainingAndPrediction()
    {
        using var folder = new TemporaryFolder();
        var dates = new StringBuilder("day,x,label\n");
        var days = new StringBuilder("day,x,label\n");
        for (int i = 0; i < 40; i++)
        {
            string date = DateTime.UnixEpoch.AddDays(19_000 + (i * i))
                .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            string rest = $",{i}.5,{(i % 3 == 0 ? "a" : "b")}\n";
            dates.Append((i == 7 ? "" : date) + rest);
            days.Append((i == 7 ? "" : (19_000 + (i * i)).ToString()) + rest);
        }
        string path = folder.Write("dates.csv", dates.ToString());
        var data = TrainingData.Open(new DataOptions { Inputs = [path] }, NullLogger.Instance);
        DataSplits given = data.Split();
        DataSplits expected = TrainingData.Open(
            new DataOptions { Inputs = [folder.Write("days.csv", days.ToString())] },
            NullLogger.Instance).Split();
        FeatureColumn column = ((TablePreprocessing)given.Preprocessing).Columns[0];
        Assert.Equal(ColumnTransform.Date, column.Transform);
        Assert.Equal("date", data.Describe().Columns![0].Type);
        List<InputRecord> records = Read(given.Preprocessing, path);
        for (int i = 0; i < given.Train.Count; i++)
        {
            float[] features = Features(given.Train, i);
            Assert.Equal(Features(expected.Train, i), features);
            Assert.Equal(features, records[i].Features);
        }
        var error = Assert.Throws<DataException>(() => Read(
            given.Preprocessing, folder.Write("new.csv", "day,x\n2024-05-17,1\nFriday,2\n")));
        Assert.Contains("new.csv:3: column 'day' is 'Friday', expected a date", error.Message);
    }

    [Fact]
    public void ATargetOfDatesStaysOneOfClasses()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", "x,day\n" + string.Concat(
            Enumerable.Range(0, 12).Select(i => $"{i}.5,2024-01-0{1 + (i % 2)}\n")));
        TargetSpec target = TrainingData.Open(
            new DataOptions { Inputs = [path] }, NullLogger.Instance).Split().Preprocessing.Target;
        Assert.Equal(["2024-01-01", "2024-01-02"], target.Labels);
    }

    private static float[] Features(IDataset data, int index)
    {
        var features = new float[data.FeatureShape.Count];
        data.Read(index, features, new float[data.TargetWidth]);
        return features;
    }

    private static List<InputRecord> Read(Preprocessing preprocessing, string path)
    {
        using PredictionInput input = PredictionInput.Open(
            preprocessing, [path], new(), NullLogger.Instance);
        return [.. input.Read()];
    }
}
