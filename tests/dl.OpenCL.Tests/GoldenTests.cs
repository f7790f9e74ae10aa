// Reference values by PyTorch on OpenCL: the committed folder, and the large one where it is.
using Dl.Tests.Files;
using Dl.Verification;
using Xunit.Abstractions;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public class GoldenTests(Devices devices, ITestOutputHelper output)
{
    [SkippableTheory]
    [InlineData(nameof(KernelForm.Cpu))]
    [InlineData(nameof(KernelForm.Gpu))]
    public void Committed_cases_match(string form) => Compare(Shared.Fixture("golden"), form);

    [SkippableTheory]
    [InlineData(nameof(KernelForm.Cpu))]
    [InlineData(nameof(KernelForm.Gpu))]
    public void Shared_cases_match(string form)
    {
        string? folder = Environment.GetEnvironmentVariable("DL_GOLDEN") is { Length: > 0 } given
            ? given : Shared.Find("golden");
        Skip.If(folder is null, "no reference values: DL_GOLDEN is not set, no ../shared/golden");
        Compare(folder!, form);
    }

    private void Compare(string folder, string form)
    {
        var device = devices.Get(form);
        var failed = new List<string>();
        var summary = Golden.Run(folder, device, result =>
        {
            output.WriteLine(result.ToString());
            if (result.Status is GoldenStatus.Failed or GoldenStatus.NotBuilt)
            {
                failed.Add(result.ToString());
            }
        });
        output.WriteLine(summary.ToString());
        Assert.Empty(failed);
        Assert.True(summary.Ok > 0);
        Assert.Equal(0, device.LiveBuffers);
    }
}
