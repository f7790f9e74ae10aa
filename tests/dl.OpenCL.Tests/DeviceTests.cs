// Memory, errors and settings of the device, apart from what it computes.
using Dl.Layers;
using Dl.Models;
using Dl.OpenCl.Native;
using Dl.Ops;
using Dl.Tensors;
using Dl.Training;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public class DeviceTests(Devices devices)
{
    [Fact]
    public void A_missing_library_is_named_with_what_to_install()
    {
        var provider = new OpenClProvider(["libNoSuchOpenCL.so.9"]);
        Assert.Empty(provider.List());
        Assert.Contains("libNoSuchOpenCL.so.9", provider.Missing);
        Assert.Contains("install", provider.Missing);
        var error = Assert.Throws<DeviceException>(() => provider.Open(0, default));
        Assert.Equal(4, error.ExitCode);
        Assert.StartsWith("opencl:0: the OpenCL library", error.Message);
    }

    [SkippableFact]
    public void A_device_is_listed_under_its_number()
    {
        var device = devices.Get(KernelForm.Cpu);
        var info = devices.Provider.List()[0];
        Assert.Equal("opencl:0", info.Name);
        Assert.Equal(device.Name, info.Name);
        Assert.True(info.ComputeUnits > 0 && info.MemoryBytes > 0);
        Assert.Null(devices.Provider.Missing);
    }

    [SkippableFact]
    public void A_number_that_is_not_there_is_refused()
    {
        devices.Get(KernelForm.Cpu);
        var error = Assert.Throws<DeviceException>(() => devices.Provider.Open(99, default));
        Assert.Contains("numbered from 0", error.Message);
    }

    [SkippableFact]
    public void Too_large_a_buffer_is_refused_with_both_sizes()
    {
        var device = devices.Get(KernelForm.Cpu);
        var error = Assert.Throws<DeviceMemoryException>(() => device.Rent(DType.F32, 1L << 50));
        Assert.Contains($"{1L << 52} bytes", error.Message);
        Assert.Equal(0, device.LiveBuffers);
    }

    [SkippableFact]
    public void Slices_share_memory_with_their_arena()
    {
        var device = devices.Get(KernelForm.Cpu);
        var arena = device.Rent(DType.F32, 4 * Device.SliceAlignment);
        device.Fill(arena, 4 * Device.SliceAlignment, 1);
        var slice = device.Slice(arena, 2 * Device.SliceAlignment, 5);
        var inner = device.Slice(device.Slice(arena, Device.SliceAlignment, 300),
            Device.SliceAlignment, 5);
        device.Fill(slice, 5, 2);
        device.Unary(UnaryOps.Square, inner, inner, 5, 0);
        var values = new float[4 * Device.SliceAlignment];
        device.Read(arena, values);
        device.Return(arena);
        for (int i = 0; i < values.Length; i++)
        {
            int at = i - (2 * Device.SliceAlignment);
            Assert.Equal(at is >= 0 and < 5 ? 4 : 1, values[i]);
        }
    }

    [SkippableFact]
    public void Writes_beyond_the_staging_room_arrive_in_order()
    {
        var device = devices.Get(KernelForm.Cpu);
        const int Length = 3 << 20;
        var storage = device.Rent(DType.F32, Length);
        var values = new float[Length];
        for (int round = 0; round < 12; round++)
        {
            Array.Fill(values, round);
            device.Write(storage, values);
        }
        device.Read(storage, values);
        device.Return(storage);
        Assert.All(values, value => Assert.Equal(11, value));
    }

    [SkippableFact]
    public void A_read_that_does_not_wait_gives_what_was_there_when_it_began()
    {
        var device = devices.Get(KernelForm.Cpu);
        var storage = device.Rent(DType.F32, 1000);
        device.Fill(storage, 1000, 1);
        using var read = device.CreateReadback(2000);
        for (int round = 1; round <= 3; round++)
        {
            device.BeginRead(storage, read);
            device.Unary(UnaryOps.Scale, storage, storage, 1000, 2);
            Assert.Equal(1000, read.Wait().Length);
            Assert.Equal(1 << (round - 1), read.Wait()[999]);
        }
        using var small = device.CreateReadback(999);
        var error = Assert.Throws<DeviceException>(() => device.BeginRead(storage, small));
        Assert.Contains("1000 numbers into memory for 999", error.Message);
        device.Return(storage);
    }

    [SkippableFact]
    public void A_training_step_allocates_nothing()
    {
        var device = devices.Get(KernelForm.Cpu);
        var (graph, _) = Zoo.Resolve("dense16-tanh", new Shape(4), 3, 0);
        using var model = new Model(graph, device);
        model.Weights.Initialize(new Rng(1));
        using var optimizer = new Optimizer(
            OptimizerSettings.Parse("adam"), model.Weights, device);
        using var inputs = new Tape(device);
        var x = inputs.Input(new Shape(2, 4), (ReadOnlySpan<float>)[1, 2, 3, 4, 5, 6, 7, 8]);
        var labels = inputs.Input(new Shape(2), (ReadOnlySpan<int>)[0, 2]);
        using var tape = new Tape(device);
        var pass = new Pass(tape, true, new Rng(2));
        long before = 0;
        for (int i = 0; i < 130; i++)
        {
            before = i == 30 ? GC.GetAllocatedBytesForCurrentThread() : before;
            tape.Backward(tape.SoftmaxCrossEntropy(model.Forward(pass, x), labels));
            optimizer.Step(0.01, null);
            tape.Reset();
        }
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(bytes < 100 * 8, $"{bytes / 100.0} bytes a step");
    }

    [SkippableFact]
    public void One_thread_is_a_part_of_the_processor()
    {
        var whole = devices.Get(KernelForm.Cpu);
        using var one = devices.Provider.Open(0, new DeviceOptions(1), KernelForm.Cpu, null);
        Assert.Contains("1 compute units", one.Description);
        var storage = one.Rent(DType.F32, 100_000);
        one.Fill(storage, 100_000, 3);
        Assert.Equal(3, one.ReadScalar(storage));
        one.Return(storage);
        Assert.NotSame(whole, one);
    }

    [Fact]
    public void A_status_becomes_its_name_and_advice()
    {
        var error = Assert.Throws<DeviceMemoryException>(
            () => Cl.Check(-4, "clCreateBuffer", "12 bytes"));
        Assert.Contains("clCreateBuffer (12 bytes)", error.Message);
        Assert.Contains("CL_MEM_OBJECT_ALLOCATION_FAILURE (-4)", error.Message);
        Assert.Contains("smaller batch", error.Message);
    }
}
