// The same training on the managed device and on OpenCL, through the program.
using System.Diagnostics;
using System.Text.Json;

namespace Dl.Tests;

public sealed class DeviceTests : IDisposable
{
    private readonly Workplace _place = new();

    private static readonly string[] Line =
        ["fit", "-m", "mlp:64,32", "t.csv", "--patience", "0", "--checkpoint-every", "1",
            "--json", "-q"];

    [SkippableFact]
    public void BothDevicesTrainToTheSameLoss()
    {
        Prepare(200);
        double cpu = Loss("cpu"), opencl = Loss("opencl");
        // Sums run in another order, so each step differs by some 1e-7; hundreds of steps grow
        // that to about 1e-4. A wrong gradient or another order of samples moves it by 1e-2.
        Assert.Equal(0, (opencl - cpu) / cpu, 1e-3);
    }

    [SkippableFact]
    public void KilledAndResumedOnOpenClEndsWithTheSameBits()
    {
        Prepare(1000);
        string[] line = [.. Line, "--epochs", "20", "--device", "opencl"];
        Assert.Equal(0, _place.Dl([.. line, "-o", "whole.dlm"]).Code);
        string checkpoint = Path.Combine(_place.Folder, "cut.dlm.checkpoint");
        using (Process process = _place.Start([.. line, "-o", "cut.dlm"]))
        {
            while (!File.Exists(checkpoint) && !process.HasExited)
            {
                Thread.Sleep(5);
            }
            Skip.If(process.HasExited, "this machine trains faster than it can be interrupted");
            process.Kill();
            Assert.True(process.WaitForExit(60_000), "it did not stop");
        }
        Assert.True(File.Exists(checkpoint));
        Assert.Equal(0, _place.Dl([.. line, "-o", "cut.dlm", "--resume"]).Code);
        Assert.Equal(Bytes("whole.dlm"), Bytes("cut.dlm"));
    }

    private void Prepare(int rows)
    {
        Skip.IfNot(_place.Dl("info", "--devices").Out.Contains("opencl:"), "no OpenCL device here");
        Assert.Equal(0, _place.Dl("gen", "--toy", "blobs", "-n", $"{rows}", "-o", "t.csv").Code);
    }

    private double Loss(string device)
    {
        Ran ran = _place.Dl([.. Line, "--epochs", "20", "--device", device, "-o", device]);
        Assert.True(ran.Code == 0, ran.Error);
        JsonElement result = JsonDocument.Parse(ran.Out).RootElement;
        Assert.StartsWith(device, result.GetProperty("device").GetString());
        return result.GetProperty("train").GetProperty("loss").GetDouble();
    }

    private byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(_place.Folder, name));

    public void Dispose() => _place.Dispose();
}
