// Memory that a primitive needs while it runs: packed panels and partial sums. Blocks grow to the
// largest request and stay, so the steady state allocates nothing.
using System.Runtime.InteropServices;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    private Block _shared;
    private Block _sums;
    private Block _packs;
    private Block _taps;

    /// <summary>Memory for one primitive's packed operand; the next request may move it.</summary>
    private float* Shared(long floats) => (float*)_shared.AtLeast(floats * sizeof(float));

    /// <summary>Memory for partial sums; separate, so that both can be in use.</summary>
    private double* Sums(long doubles) => (double*)_sums.AtLeast(doubles * sizeof(double));

    private void FreeScratch()
    {
        _shared.Free();
        _sums.Free();
        _packs.Free();
        _taps.Free();
    }

    private struct Block
    {
        private byte* _data;
        private long _bytes;

        public byte* AtLeast(long bytes)
        {
            if (bytes > _bytes)
            {
                Free();
                try
                {
                    _data = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
                }
                catch (OutOfMemoryException e)
                {
                    throw new DeviceMemoryException(
                        $"cpu: out of memory asking for {bytes >> 20} MiB of working space; "
                        + "use a smaller batch", e);
                }
                _bytes = bytes;
            }
            return _data;
        }

        public void Free()
        {
            NativeMemory.AlignedFree(_data);
            _data = null;
            _bytes = 0;
        }
    }
}
