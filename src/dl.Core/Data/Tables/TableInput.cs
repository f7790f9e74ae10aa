// Rows of files or stdin as prediction input. A row is given on as soon as its line has arrived.
using Dl.Data.Formats;
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>Streams the rows of tables, matched by column name.</summary>
internal sealed class TableInput : IPredictionSource
{
    private readonly TablePreprocessing _preprocessing;
    private readonly PredictionInputOptions _options;
    private readonly BadData _bad;
    private readonly ILogger _log;
    private readonly RowEncoder _encoder;
    private readonly string[] _paths;
    private readonly InputRecord _record;

    private IRowReader? _reader;
    private int _opened;
    private bool _rowPending;
    private int _fieldCount;
    private int[] _features = [];
    private int[]? _targets;
    private int _id = -1;

    public TableInput(
        TablePreprocessing preprocessing, List<string> paths, PredictionInputOptions options,
        BadData bad, ILogger log)
    {
        (_preprocessing, _paths, _options, _bad, _log) =
            (preprocessing, [.. paths], options, bad, log);
        _encoder = new RowEncoder(preprocessing, log);
        _record = new InputRecord(new float[preprocessing.FeatureShape.Count]);
        OpenNext();
    }

    public string IdName => _id >= 0 ? _preprocessing.IdColumn! : "row";

    public bool Numbered => _id < 0;

    public IEnumerable<InputRecord> Read()
    {
        long row = 0;
        while (_reader is IRowReader reader)
        {
            while (_rowPending || reader.Read())
            {
                _rowPending = false;
                row++;
                if (Encode(reader, row))
                {
                    yield return _record;
                }
            }
            OpenNext();
        }
    }

    public void Dispose() => _reader?.Dispose();

    /// <summary>Fills the record; false where the row is left out.</summary>
    private bool Encode(IRowReader reader, long row)
    {
        try
        {
            if (reader.Problem is DataException problem)
            {
                throw problem;
            }
            if (reader.Count != _fieldCount)
            {
                throw HeaderLine.Ragged(reader, reader.Line, reader.Count, _fieldCount);
            }
            _encoder.Features(reader, _features, _record.Features);
            _record.Target = _targets is null || !_options.NeedTarget
                ? null
                : _encoder.Target(reader, _targets);
            if (_id >= 0)
            {
                _record.SetId(reader.Utf8(_id));
            }
            else
            {
                _record.SetId(row);
            }
            _record.SetPlace(reader.Name, reader.Line);
            return true;
        }
        catch (DataException error)
        {
            _bad.Report(error);
            return false;
        }
    }

    /// <summary>Opens the next file and matches its first line with the model's columns.</summary>
    private void OpenNext()
    {
        _reader?.Dispose();
        _reader = null;
        if (_opened == _paths.Length)
        {
            return;
        }
        string path = _paths[_opened++];
        Stream stream = WaitingStream.Around(InputFile.Open(path), _options.Waiting);
        _reader = TableFormats.Open(
            stream, InputFile.Display(path), !stream.CanSeek, _preprocessing.Source,
            _preprocessing.Decimal == "comma");
        if (!_reader.Read())
        {
            throw new DataException(
                $"{_reader.Name}: the input is empty, expected rows of a table");
        }
        if (_reader.Names is IReadOnlyList<string> known)
        {
            _fieldCount = _reader.Count;
            _rowPending = true;
            Match([.. known]);
            if (_reader.Sparse && _reader.Problem is null)
            {
                MatchFirst(_reader);
            }
            return;
        }
        string[] first = _reader.Row();
        _fieldCount = first.Length;
        string[] names = _preprocessing.Header ? HeaderLine.Names(first, _reader.Where) : first;
        bool named = _preprocessing.Header
            || Array.TrueForAll(_preprocessing.Columns, c => names.Contains(c.Name));
        if (!named)
        {
            names = Positions(first.Length);
            _rowPending = true;
        }
        Match(names);
    }

    /// <summary>
    /// Any key may be absent from a row. The first one tells whether rows have an id, and what may
    /// be spelt otherwise than in training.
    /// </summary>
    private void MatchFirst(IRowReader reader)
    {
        _id = _id >= 0 && reader[_id].Length == 0 ? -1 : _id;
        string[] absent = [.. _preprocessing.Columns
            .Where((_, i) => reader[_features[i]].Length == 0)
            .Select(c => c.Name)];
        if (absent.Length > 0)
        {
            _log.LogWarning(
                "{Where}: no value for {Columns}; a key that is not there counts as missing",
                reader.Where, string.Join(", ", absent));
        }
    }

    /// <summary>Column names by position, with or without the target columns.</summary>
    private string[] Positions(int count)
    {
        string[] source = _preprocessing.Source;
        string[] inputs = [.. source.Except(_preprocessing.Target.Names)];
        return count == source.Length ? source
            : count == inputs.Length ? inputs
            : throw new DataException(
                $"{_reader!.Where}: {count} fields without names, expected {source.Length} as in "
                + $"training, or {inputs.Length} without the target");
    }

    private void Match(string[] names)
    {
        string where = _reader!.Where;
        var fields = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < names.Length; i++)
        {
            fields.TryAdd(names[i], i);
        }
        _features = Array.ConvertAll(
            _preprocessing.Columns, c => fields.GetValueOrDefault(c.Name, -1));
        string[] missing = [.. _preprocessing.Columns
            .Where((_, i) => _features[i] < 0)
            .Select(c => c.Name)];
        if (missing.Length > 0)
        {
            throw new DataException(
                $"{where}: no column {string.Join(", ", missing)}, which the model needs; the "
                + $"input has {string.Join(", ", names)}");
        }
        int[] targets = Array.ConvertAll(
            _preprocessing.Target.Names, name => fields.GetValueOrDefault(name, -1));
        _targets = Array.TrueForAll(targets, t => t >= 0) ? targets : null;
        if (_targets is null && _options.NeedTarget)
        {
            throw new DataException(
                $"{where}: no target column {string.Join(", ", _preprocessing.Target.Names)}, "
                + "which is needed for scoring");
        }
        int id = _preprocessing.IdColumn is string idName ? Array.IndexOf(names, idName) : -1;
        // The output has one column of ids: what the first file has, the others have too.
        _id = _opened == 1 || id < 0 ? id : _id < 0 ? -1 : id;
        string[] extra = [.. names.Except(_preprocessing.Source)];
        if (extra.Length > 0)
        {
            _log.LogInformation(
                "{Where}: columns unknown to the model are not used: {Columns}",
                _reader.Name, string.Join(", ", extra));
        }
    }
}
