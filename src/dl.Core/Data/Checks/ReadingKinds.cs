// Findings that arise while rows are read.
namespace Dl.Data.Checks;

internal static class ReadingKinds
{
    public static readonly CheckKind Unreadable = new(
        "unreadable", Severity.Error, "files that cannot be opened, are damaged or cut off",
        "get the file again");

    public static readonly CheckKind Empty = new(
        "empty-table", Severity.Error, "files without rows", "remove the file or fill it");

    public static readonly CheckKind BadRow = new(
        "bad-row", Severity.Error, "rows that cannot be read", "mend the row; --fix leaves it out")
    {
        Mends = true,
    };

    public static readonly CheckKind Ragged = new(
        "ragged-row", Severity.Error, "rows with too few or too many fields",
        "mend the row; --fix leaves it out")
    {
        Mends = true,
    };

    public static readonly CheckKind DuplicateColumn = new(
        "duplicate-column", Severity.Error, "column names that are there twice",
        "rename one; --fix does")
    {
        Mends = true,
    };

    public static readonly CheckKind EmptyName = new(
        "empty-name", Severity.Warning, "columns without a name", "give it a name; --fix does")
    {
        Mends = true,
    };

    public static readonly CheckKind MissingColumn = new(
        "missing-column", Severity.Error, "columns that one part has and another lacks",
        "add it, or remove it everywhere");

    public static readonly CheckKind ExtraColumn = new(
        "extra-column", Severity.Note, "columns that the training part lacks", "nothing");

    public static readonly CheckKind Infinite = new(
        "infinite", Severity.Error, "cells that are infinite",
        "leave the cell empty; --fix leaves the row out")
    {
        Mends = true,
    };

    public static readonly CheckKind[] All =
    [
        Unreadable, Empty, ByteWatch.NotUtf8, ByteWatch.Nul, BadRow, Ragged, DuplicateColumn,
        EmptyName, MissingColumn, ExtraColumn, Infinite,
    ];
}
