// Every error that a user can cause or meet, and the exit code that goes with it (dl(1), EXIT
// STATUS).
namespace Dl;

/// <summary>Something failed while working: exit code 1.</summary>
/// <remarks>Messages read `SUBJECT: what was given, what was expected; what to do`.</remarks>
public class DlException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The process exit code for this kind of error.</summary>
    public virtual int ExitCode => 1;
}

/// <summary>The command line or a graph asks for something that cannot be: exit code 2.</summary>
public sealed class UsageException(string message, Exception? inner = null)
    : DlException(message, inner)
{
    public override int ExitCode => 2;
}

/// <summary>Data or a model file is damaged or does not fit: exit code 3.</summary>
public sealed class DataException(string message, Exception? inner = null)
    : DlException(message, inner)
{
    public override int ExitCode => 3;
}

/// <summary>No such device, or it refused: exit code 4.</summary>
public class DeviceException(string message, Exception? inner = null)
    : DlException(message, inner)
{
    public override int ExitCode => 4;
}

/// <summary>A device has no room for what was asked for; less may fit: exit code 4.</summary>
public sealed class DeviceMemoryException(string message, Exception? inner = null)
    : DeviceException(message, inner);
