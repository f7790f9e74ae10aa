// Every optimiser goes on with the same bits after a checkpoint, in both kernel forms.
using Dl.Tests.Training;
using Dl.Training;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public class OptimizerTests(Devices devices)
{
    public static TheoryData<string, string> Everyone
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var rule in Optimizers.All)
            {
                cases.Add(rule.Name, nameof(KernelForm.Cpu));
                cases.Add(rule.Name, nameof(KernelForm.Gpu));
            }
            foreach (string text in (string[])
                ["rmsprop:centered=true,momentum=0.9", "adafactor:beta1=0.9,scale_parameter=true",
                    "ftrl:l1=0.1,initial_accumulator_value=0.1"])
            {
                cases.Add(text, nameof(KernelForm.Cpu));
            }
            return cases;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Everyone))]
    public void Taken_up_again_it_goes_on_with_the_same_bits(string text, string form) =>
        Assert.Null(Resuming.Fault(devices.Get(form), text, 6));
}
