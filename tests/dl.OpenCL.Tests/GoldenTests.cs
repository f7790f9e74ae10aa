// Reference values, the committed ones and the large folder where it is, in both kernel forms.
using Dl.Verification;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public class GoldenTests(Devices devices)
{
    [SkippableTheory]
    [InlineData("Cpu")]
    [InlineData("Gpu")]
    public void Committed_cases_match(string form) =>
        Check(form, Path.Combine(Root(), "tests", "fixtures", "golden"));

    [SkippableTheory]
    [InlineData("Cpu")]
    [InlineData("Gpu")]
    public void Shared_cases_match(string form)
    {
        string shared = Environment.GetEnvironmentVariable("DL_SHARED") is { Length: > 0 } given
            ? given : Path.Combine(Root(), "..", "shared");
        string folder = Path.Combine(shared, "golden");
        Skip.IfNot(Directory.Exists(folder), "no reference values: there is no ../shared/golden");
        Check(form, folder);
    }

    private void Check(string form, string folder)
    {
        var device = devices.Get(form);
        var failed = new List<string>();
        var summary = Golden.Run(folder, device, result =>
        {
            if (result.Status == GoldenStatus.Failed)
            {
                failed.Add(result.ToString());
            }
        });
        Assert.True(failed.Count == 0, string.Join('\n', failed));
        Assert.True(summary.Ok > 0);
        Assert.Equal(0, device.LiveBuffers);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "dl.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName
            ?? throw new DirectoryNotFoundException("no dl.sln above the test's folder");
    }
}
