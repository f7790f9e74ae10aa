// A table for each finding, and none for sound ones.
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Dl.Data.Checks;

namespace Dl.Data.Tests.Checks;

public sealed class TableCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void ASoundTableHasNoFindings()
    {
        Checked found = Checked.Of(_folder.Write("t.csv", SoundTable.Text()));
        Assert.True(found.Findings.Groups().Length == 0, found.ToString());
    }

    /// <summary>One line of a sound table is replaced.</summary>
    [Theory]
    [InlineData(7, "1,2,red", "ragged-row", "t.csv:7", "3 fields, expected 4")]
    [InlineData(7, "1,2,red,plum,5", "ragged-row", "t.csv:7", "5 fields, expected 4")]
    [InlineData(9, "inf,50,red,plum", "infinite", "t.csv:9", "column 'size' is infinite")]
    [InlineData(9, "0.5,-Infinity,red,plum", "infinite", "t.csv:9", "'weight'")]
    [InlineData(5, "0.5,50,red,", "missing-target", "t.csv:5", "target label")]
    [InlineData(5, "0.5,50,red,NA", "missing-target", "t.csv:5", "target label")]
    [InlineData(5, "\"12,5\",50,red,plum", "stray-text", "t.csv:5", "decimal point")]
    [InlineData(5, "n/a?,50,red,plum", "stray-text", "t.csv:5", "leave the cell empty")]
    [InlineData(5, "3 kg,50,red,plum", "stray-text", "t.csv:5", "write the number alone, 3")]
    [InlineData(5, "0.5,49,red,aple", "label-typo", "t.csv:5", "probably 'apple'")]
    [InlineData(5, "0.5,49,red,Apple", "label-typo", "t.csv:5", "probably 'apple'")]
    [InlineData(5, "0.5,49,grene,plum", "category-typo", "t.csv:5", "probably 'green'")]
    [InlineData(5, "0.5,49,BLUE,plum", "category-typo", "t.csv:5", "probably 'blue'")]
    [InlineData(5, "0.5,49,red,cherry", "rare-class", "t.csv: column 'label'", "1 sample")]
    [InlineData(5, "5000,49,red,plum", "outlier", "t.csv:5", "column 'size' is 5000")]
    [InlineData(5, "0.5,49\0,red,plum", "nul-byte", "t.csv:5", "is zero")]
    public void ALineAtFaultIsFound(
        int line, string row, string code, string place, string says)
    {
        List<string> lines = SoundTable.Lines();
        lines[line - 1] = row;
        // Behind the first 64 kB: what stands there is told to be binary at once.
        bool far = row.Contains('\0');
        if (far)
        {
            lines = SoundTable.Lines(6000);
            lines.Add(row);
            place = $"t.csv:{lines.Count}";
        }
        _folder.Write("t.csv", string.Join('\n', lines) + "\n");
        Checked found = Checked.Of(_folder["t.csv"]);
        Finding finding = Assert.Single(found[code]);
        Assert.Equal(_folder[place], finding.Place);
        Assert.Contains(says, finding.Message);
    }

    [Theory]
    [InlineData("constant-column", "7")]
    [InlineData("all-missing", "")]
    [InlineData("all-missing", "NA")]
    public void AColumnWithoutInformationIsFound(string code, string cell)
    {
        List<string> lines = SoundTable.Lines();
        string text = $"extra,{lines[0]}\n"
            + string.Concat(lines.Skip(1).Select(l => $"{cell},{l}\n"));
        Checked found = Checked.Of(_folder.Write("t.csv", text));
        Finding finding = Assert.Single(found.All);
        Assert.Equal((code, Severity.Warning), (finding.Kind.Code, finding.Severity));
        Assert.EndsWith("column 'extra'", finding.Place);
    }

    /// <summary>A column is added, by the number of the row.</summary>
    [Theory]
    [InlineData("mostly-missing")]
    [InlineData("leakage")]
    [InlineData("id-column")]
    [InlineData("free-text")]
    [InlineData("sentinel")]
    [InlineData("mixed-dates")]
    [InlineData("date-form")]
    [InlineData("redundant-columns")]
    public void AColumnAtFaultIsFound(string code)
    {
        List<string> lines = SoundTable.Lines(80);
        var text = new StringBuilder("extra," + lines[0] + "\n");
        for (int i = 1; i < lines.Count; i++)
        {
            string[] cells = lines[i].Split(',');
            string day = DateOnly.FromDayNumber(738_000 + (i * 37 % 61))
                .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            string extra = code switch
            {
                "mostly-missing" => i % 3 == 0 ? cells[0] : "",
                "leakage" => cells[3] == "apple" ? "fruit A" : "fruit P",
                "id-column" => (1000 + i).ToString(CultureInfo.InvariantCulture),
                "free-text" => $"a note on {cells[0]}",
                "sentinel" => i % 9 == 0 ? "-999" : cells[1],
                "mixed-dates" => i % 8 == 0 ? day.Replace('-', '/') : day,
                "date-form" => string.Join('.', day.Split('-').Reverse()),
                _ => (2 * double.Parse(cells[0], CultureInfo.InvariantCulture))
                    .ToString("F4", CultureInfo.InvariantCulture),
            };
            text.Append(extra).Append(',').Append(lines[i]).Append('\n');
        }
        Checked found = Checked.Of(_folder.Write("t.csv", text.ToString()));
        Finding finding = Assert.Single(found[code]);
        Assert.Contains("column '", finding.Place);
        Assert.Equal(0, found.Findings.Errors);
    }

    [Theory]
    [InlineData(false, "goes one to one with the target 'y'")]
    [InlineData(true, "has correlation 1.00000 with the target 'y'")]
    public void LeaksAreFoundForClassesAndNumbers(bool numbers, string says)
    {
        var text = new StringBuilder("a,b,y\n");
        for (int i = 0; i < 100; i++)
        {
            double noise = CellHash.Mix((ulong)i) / (double)ulong.MaxValue;
            string y = numbers ? FormattableString.Invariant($"{noise:F6}") : $"{i % 3}";
            string b = numbers ? FormattableString.Invariant($"{7 - (3 * noise):F6}")
                : "xyz".Substring(i % 3, 1);
            text.Append(CultureInfo.InvariantCulture, $"{i * 7919 % 101},{b},{y}\n");
        }
        Checked found = Checked.Of(_folder.Write("t.csv", text.ToString()));
        Finding leak = Assert.Single(found["leakage"]);
        Assert.EndsWith("column 'b'", leak.Place);
        Assert.Contains(numbers ? "correlation -1.00000" : says, leak.Message);
    }

    [Fact]
    public void ASingleCutThatTellsTheClassesIsALeak()
    {
        List<string> lines = SoundTable.Lines(200);
        string text = "hint," + lines[0] + "\n" + string.Concat(lines.Skip(1).Select((l, i) =>
            FormattableString.Invariant(
                $"{(l.EndsWith("apple") ? 0 : 10) + (CellHash.Mix((ulong)i) % 1000 / 200.0)}")
            + $",{l}\n"));
        Finding leak = Assert.Single(Checked.Of(_folder.Write("t.csv", text))["leakage"]);
        Assert.Contains("alone is right in 100", leak.Message);
    }

    [Fact]
    public void DuplicatesAreFoundWithinAndAcrossParts()
    {
        List<string> train = SoundTable.Lines(80), test = SoundTable.Lines(40, from: 1000);
        train.Add(train[3]);
        test[10] = train[5];
        _folder.Write("d/train.csv", string.Join('\n', train));
        _folder.Write("d/test.csv", string.Join('\n', test));
        Checked found = Checked.Of(_folder["d"]);
        Assert.Equal(
            $"{_folder["d/train.csv"]}:82: equal to {_folder["d/train.csv"]}:4 in all columns",
            Assert.Single(found["duplicate-row"]).ToString());
        Assert.Equal(
            $"{_folder["d/test.csv"]}:11: equal to {_folder["d/train.csv"]}:6 in all columns",
            Assert.Single(found["duplicate-across-parts"]).ToString());
    }

    [Fact]
    public void PartsThatDifferAreFound()
    {
        List<string> train = SoundTable.Lines(80);
        var test = new List<string> { "weight,color,label,more" };
        test.AddRange(Enumerable.Range(0, 40).Select(i => $"{90 + (i % 7)},pink,plum,1"));
        _folder.Write("d/train.csv", string.Join('\n', train));
        _folder.Write("d/test.csv", string.Join('\n', test));
        Checked found = Checked.Of(_folder["d"]);
        Assert.Contains("no column 'size'", Assert.Single(found["missing-column"]).Message);
        Assert.Contains("'more'", Assert.Single(found["extra-column"]).Message);
        Assert.Contains("'pink' in 40 rows", Assert.Single(found["unseen-category"]).Message);
        Assert.Contains(found["shift"], f => f.Place.EndsWith("column 'weight'"));
        Assert.Equal(Severity.Error, found["missing-column"][0].Severity);
    }

    [Fact]
    public void NumbersInOnePartAndTextsInTheOtherAreFound()
    {
        List<string> train = SoundTable.Lines(60), test = SoundTable.Lines(60, from: 500);
        _folder.Write("d/train.csv", string.Join('\n', train));
        _folder.Write("d/test.csv", string.Join('\n', test.Select((l, i) =>
            i == 0 ? l : "big," + l[(l.IndexOf(',') + 1)..])));
        Finding finding = Assert.Single(Checked.Of(_folder["d"])["type-differs"]);
        Assert.Equal("texts in test, numbers in train; expected one type", finding.Message);
    }

    [Fact]
    public void ImbalanceAndConflictingLabelsAreFound()
    {
        List<string> lines = SoundTable.Lines(300);
        for (int i = 1; i < lines.Count; i++)
        {
            lines[i] = lines[i][..lines[i].LastIndexOf(',')] + (i % 30 == 0 ? ",plum" : ",apple");
        }
        lines.Add(lines[4].Replace("apple", "plum"));
        Checked found = Checked.Of(_folder.Write("t.csv", string.Join('\n', lines)));
        Assert.Contains("'apple' has 290", Assert.Single(found["class-imbalance"]).Message);
        Assert.EndsWith(":302", Assert.Single(found["label-conflict"]).Place);
    }

    [Fact]
    public void NearDuplicatesAreFoundByRoundingAndByAllColumnsButOne()
    {
        var lines = new List<string> { "a,b,c,d,e,f,y" };
        for (int i = 0; i < 100; i++)
        {
            lines.Add(string.Join(',', Enumerable.Range(0, 6).Select(c =>
                FormattableString.Invariant($"{CellHash.Mix((ulong)((i * 10) + c)) % 900_000}")))
                + (i % 2 == 0 ? ",u" : ",v"));
        }
        string[] row = lines[40].Split(',');
        lines.Add(string.Join(',', ["77", .. row[1..]]));
        lines.Add(string.Join(',', row.Select((c, i) => i < 6 ? c + ".0004" : c)));
        Checked found = Checked.Of(_folder.Write("t.csv", string.Join('\n', lines)));
        string[] near = [.. found["near-duplicate"].Select(f => f.ToString())];
        string path = _folder["t.csv"];
        Assert.Contains($"{path}:102: equal to {path}:41 in all columns but 'a'", near);
        Assert.Contains($"{path}:103: equal to {path}:41 in 5 digits of every number", near);
        Assert.Equal(2, near.Length);
    }

    [Fact]
    public void ColumnNamesAreLookedAt()
    {
        string text = SoundTable.Text().Replace("size,weight", "color,", StringComparison.Ordinal);
        Checked found = Checked.Of(_folder.Write("t.csv", text));
        Assert.Contains(
            "'color' is there twice (columns 1 and 3)",
            Assert.Single(found["duplicate-column"]).Message);
        Assert.Contains("column 2 has no name", Assert.Single(found["empty-name"]).Message);
    }

    [Fact]
    public void ALineOfNumbersForNamesIsFound()
    {
        string text = "9001,9002,9003\n" + string.Concat(Enumerable.Range(0, 40).Select(i =>
            $"{i * 7 % 11},{i * 5 % 13},{i * 3 % 17}\n"));
        Assert.EndsWith(
            "t.csv:1", Assert.Single(Checked.Of(_folder.Write("t.csv", text))["numeric-header"])
                .Place);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(65_530)]
    public void BytesThatAreNoUtf8AreFoundWithLineAndOffset(int from)
    {
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(SoundTable.Text(4000))];
        int at = bytes.FindIndex(from, b => b == (byte)'r');
        bytes[at] = 0xE9;
        // A good character of three bytes across the edge of a block must not be taken for bad.
        bytes.InsertRange(bytes.FindIndex(65_534, b => b == (byte)'p'), "€"u8.ToArray());
        _folder.Write("t.csv", [.. bytes]);
        int line = bytes.Take(at).Count(b => b == '\n') + 1;
        Finding finding = Assert.Single(Checked.Of(_folder["t.csv"])["not-utf8"]);
        Assert.Equal($"{_folder["t.csv"]}:{line}", finding.Place);
        Assert.StartsWith($"byte {at + 1} is 0xE9", finding.Message);
    }

    [Fact]
    public void FilesThatAreCutOffAreFound()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(SoundTable.Text(5000)));
        }
        string path = _folder.Write("t.csv.gz", packed.ToArray()[..^2000]);
        Assert.Equal(path, Assert.Single(Checked.Of(path)["unreadable"]).Place);
        string empty = _folder.Write("e.csv", "");
        Assert.Equal(empty, Assert.Single(Checked.Of(empty)["empty-table"]).Place);
    }

    [Fact]
    public void JsonLinesAreCheckedToo()
    {
        string text = string.Concat(SoundTable.Lines(40).Skip(1).Select(l => l.Split(','))
            .Select(c => $"{{\"size\":{c[0]},\"weight\":{c[1]},\"color\":\"{c[2]}\","
                + $"\"label\":\"{c[3]}\"}}\n"));
        string path = _folder.Write(
            "t.jsonl", text + "{\"size\":1,\n" + text[..text.IndexOf('\n')]);
        Checked found = Checked.Of(path);
        Assert.Equal($"{path}:41", Assert.Single(found["bad-row"]).Place);
        Assert.Equal($"{path}:42", Assert.Single(found["duplicate-row"]).Place);
    }

    [Fact]
    public void OfManyFindingsTheFirstAreKeptAndAllAreCounted()
    {
        List<string> lines = SoundTable.Lines(500);
        lines.AddRange(Enumerable.Repeat("1,2", 300));
        var findings = new Findings(kept: 10);
        DataCheck.Run(
            new DataOptions { Inputs = [_folder.Write("t.csv", string.Join('\n', lines))] },
            findings, CancellationToken.None);
        FindingGroup ragged = Assert.Single(
            findings.Groups(), g => g.Kind.Code == "ragged-row");
        Assert.Equal((300L, 10), (ragged.Count, ragged.First.Count));
    }

    [Fact]
    public void WhatIsIgnoredIsNotCheckedAndWrongNamesAreWrongUsage()
    {
        List<string> lines = SoundTable.Lines();
        lines[5] = "inf,50,red,plum";
        string path = _folder.Write("t.csv", string.Join('\n', lines));
        Assert.Throws<UsageException>(() => Checked.Of(
            new DataOptions { Inputs = [path], Target = ["labels"] }));
        Assert.Throws<UsageException>(() => Checked.Of(
            new DataOptions { Inputs = [path], Ignore = ["sizes"] }));
    }

    public void Dispose() => _folder.Dispose();
}
