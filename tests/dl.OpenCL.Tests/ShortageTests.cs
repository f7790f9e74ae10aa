// Batches that are cut for lack of memory, in both kernel forms.
using Dl.Tests.Training;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public sealed class ShortageTests(Devices devices)
{
    [SkippableTheory]
    [InlineData("Cpu")]
    [InlineData("Gpu")]
    public void Batches_are_cut_down_to_a_sample(string form) =>
        Shortage.CutsBatches(devices.Get(form), accumulate: 2);

    /// <summary>What drivers say when memory is short is known as such, from any call.</summary>
    [Theory]
    [InlineData(-4, true)]
    [InlineData(-5, true)]
    [InlineData(-6, true)]
    [InlineData(-61, true)]
    [InlineData(-38, false)]
    public void Statuses_of_short_memory_are_known(int status, bool isShortage) => Assert.Equal(
        isShortage, Native.Cl.Failure(status, "clCreateBuffer") is DeviceMemoryException);
}
