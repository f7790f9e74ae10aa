// Where rows came from: file, line and part. Lines mostly follow each other, so runs of them are
// kept: 12 bytes a run, whatever its length.
namespace Dl.Data.Tables.Storage;

/// <summary>Files and lines of rows.</summary>
internal sealed class RowPlaces
{
    private readonly List<(string Name, Part Part, int First)> _files = [];
    private readonly List<(int Row, int File, int Line)> _runs = [];

    /// <summary>The line that a next row of the same run has.</summary>
    private int _next = -1;

    public int Count { get; private set; }

    /// <summary>Files so far.</summary>
    public int Files => _files.Count;

    public string FirstFile => _files[0].Name;

    public void BeginFile(string name, Part part)
    {
        _files.Add((name, part, Count));
        _next = -1;
    }

    /// <summary>A row of the last file.</summary>
    public void Add(int line)
    {
        if (line != _next)
        {
            _runs.Add((Count, _files.Count - 1, line));
        }
        _next = line + 1;
        Count++;
    }

    public Part PartOf(int row)
    {
        int file = _files.Count - 1;
        while (_files[file].First > row)
        {
            file--;
        }
        return _files[file].Part;
    }

    /// <summary>`rows.csv:17`.</summary>
    public string Locate(int row)
    {
        int low = 0, high = _runs.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            (low, high) = _runs[middle].Row <= row ? (middle, high) : (low, middle - 1);
        }
        (int first, int file, int line) = _runs[low];
        return $"{_files[file].Name}:{line + row - first}";
    }
}
