// Every primitive against its definition in plain loops over doubles (Dl.Verification), in both
// kernel forms: poisoned outputs, guard zones, sizes around the tiles, no buffer kept.
using Dl.Verification;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public class PrimitiveTests(Devices devices)
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string primitive in SelfTest.Primitives)
            {
                cases.Add(primitive, nameof(KernelForm.Cpu));
                cases.Add(primitive, nameof(KernelForm.Gpu));
            }
            return cases;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Is_right(string primitive, string form)
    {
        var device = devices.Get(form);
        SelfTestResult? result = null;
        SelfTest.Run(device, r => result = r, primitive, timed: false);
        Assert.True(result!.Ok, string.Join('\n', result.Failures));
        Assert.Equal(0, device.LiveBuffers);
    }
}
