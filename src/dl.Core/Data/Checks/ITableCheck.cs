namespace Dl.Data.Checks;

/// <summary>A check of a table that has been read to its end.</summary>
internal interface ITableCheck
{
    /// <summary>What it may find.</summary>
    CheckKind[] Kinds { get; }

    void Look(TableProfile table, Findings findings);
}
