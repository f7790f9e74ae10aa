using Dl.Files;

namespace Dl.Tests.Files;

public sealed class FileRolesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("data.csv", "is read as data and would be lost")]
    [InlineData("./data.csv", "is read as data and would be lost")]
    [InlineData("link.csv", "is read as data and would be lost")]
    [InlineData("m.dlm", "is written by -o too")]
    [InlineData("log.csv", null)]
    public void FilesHaveOnePart(string name, string? says)
    {
        string data = _folder.File("data.csv");
        File.WriteAllText(data, "a,b\n");
        File.CreateSymbolicLink(_folder.File("link.csv"), data);
        void Check() => FileRoles.Check(
            [new("data", data), new("--val", "0.1"), new("--test", null)],
            [new("-o", _folder.File("m.dlm")), new("--log", _folder.File(name))]);
        if (says is null)
        {
            Check();
            return;
        }
        string message = Assert.Throws<UsageException>(Check).Message;
        Assert.StartsWith("--log: ", message);
        Assert.Contains(says, message);
    }

    [Fact]
    public void StreamsAndDevicesMayBeSharedByAll() => FileRoles.Check(
        [new("data", "-")],
        [new("-o", "/dev/null"), new("--log", "/dev/null"), new("--curves", "-"), new("--x", "-")]);

    public void Dispose() => _folder.Dispose();
}
