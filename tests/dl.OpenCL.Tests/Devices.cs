// One device for each kernel form, shared by all tests: building programs costs seconds. Tests are
// skipped, with the reason, where there is no OpenCL device.
using Dl.OpenCl;

namespace Dl.OpenCl.Tests;

public sealed class Devices : IDisposable
{
    private readonly OpenClProvider _provider = new();
    private readonly Dictionary<KernelForm, OpenClDevice> _open = [];

    public OpenClProvider Provider => _provider;

    internal OpenClDevice Get(KernelForm form)
    {
        Skip.If(_provider.Missing is not null, _provider.Missing);
        if (!_open.TryGetValue(form, out var device))
        {
            _open.Add(form, device = _provider.Open(0, default, form, null));
        }
        return device;
    }

    internal OpenClDevice Get(string form) => Get(Enum.Parse<KernelForm>(form));

    public void Dispose()
    {
        foreach (var device in _open.Values)
        {
            device.Dispose();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class DeviceCollection : ICollectionFixture<Devices>
{
    public const string Name = "OpenCL device";
}
