// Findings about pictures; those about labels and duplicates are shared with tables.
namespace Dl.Data.Checks;

internal static class PictureKinds
{
    public static readonly CheckKind NoClasses = new(
        "no-classes", Severity.Error, "pictures without classes to learn",
        "put them into a folder for each class, or name the classes in a table");

    public static readonly CheckKind Missing = new(
        "missing-file", Severity.Error, "pictures that a table names and that are not there",
        "correct the path, or remove the row");

    public static readonly CheckKind NoLabel = new(
        "no-label", Severity.Error, "pictures without a class", "add the class, or remove the row");

    public static readonly CheckKind Empty = new(
        "empty-file", Severity.Error, "pictures of no bytes",
        "remove the file; --fix leaves it out")
    {
        Mends = true,
    };

    public static readonly CheckKind NoPicture = new(
        "not-a-picture", Severity.Error, "files that are called like a picture and are none",
        "remove or convert the file; --fix leaves it out")
    {
        Mends = true,
    };

    public static readonly CheckKind Damaged = new(
        "damaged-picture", Severity.Error, "pictures that are damaged or cut off",
        "get the file again; --fix leaves it out")
    {
        Mends = true,
    };

    public static readonly CheckKind Odd = new(
        "odd-picture", Severity.Note, "pictures that the decoder could read but frowned at",
        "look at it");

    public static readonly CheckKind Extension = new(
        "wrong-extension", Severity.Note, "pictures in another format than their name says",
        "rename the file; --fix does")
    {
        Mends = true,
    };

    public static readonly CheckKind Hidden = new(
        "unseen-picture", Severity.Warning, "pictures that training does not see by their name",
        "give it the name ending of its format; --fix does")
    {
        Mends = true,
    };

    public static readonly CheckKind Stray = new(
        "stray-file", Severity.Note, "files among the pictures that are none",
        "nothing; training passes over them");

    public static readonly CheckKind Outside = new(
        "outside-class", Severity.Warning, "pictures beside the class folders",
        "put it into its class's folder, or it is not used");

    public static readonly CheckKind EmptyClass = new(
        "empty-class", Severity.Warning, "class folders without pictures",
        "fill or remove the folder");

    public static readonly CheckKind ClassMissing = new(
        "class-missing", Severity.Warning, "classes that one part has and another lacks",
        "move some pictures, or cut the parts anew");

    public static readonly CheckKind ClassName = new(
        "class-typo", Severity.Warning, "classes whose names differ in case or a letter",
        "merge the folders if they are one class");

    public static readonly CheckKind Duplicate = new(
        "duplicate-picture", Severity.Warning, "pictures that are there twice",
        "remove the copies; --fix does")
    {
        Mends = true,
    };

    public static readonly CheckKind Blank = new(
        "blank-picture", Severity.Warning, "pictures of one colour", "look at it, and remove it");

    public static readonly CheckKind Tiny = new(
        "tiny-picture", Severity.Warning, "pictures much smaller than the others",
        "look whether it is a thumbnail or an icon");

    public static readonly CheckKind Huge = new(
        "huge-picture", Severity.Note, "pictures that take long to decode",
        "scale it down to save time in every epoch");

    public static readonly CheckKind Aspect = new(
        "odd-aspect", Severity.Note, "pictures much longer than the others",
        "crop it: resizing squeezes what is on it");

    public static readonly CheckKind MixedSizes = new(
        "mixed-sizes", Severity.Note, "pictures of different sizes",
        "choose a size with fit --image-size");

    public static readonly CheckKind MixedChannels = new(
        "mixed-channels", Severity.Note, "grey among coloured, transparent among opaque pictures",
        "nothing, or fit --grayscale if colour says which class it is");

    public static readonly CheckKind MixedDepth = new(
        "mixed-depth", Severity.Note, "pictures of 16 bits a sample among those of 8",
        "nothing; training reads 8 bits");

    public static readonly CheckKind Rotated = new(
        "exif-rotation", Severity.Note, "pictures that EXIF says to turn",
        "nothing; dl turns them, other programs may not");

    public static readonly CheckKind[] All =
    [
        NoClasses, Missing, NoLabel, Empty, NoPicture, Damaged, Hidden, Outside, EmptyClass,
        ClassMissing, ClassName, Duplicate, Blank, Tiny, Extension, Odd, Stray, Huge, Aspect,
        MixedSizes, MixedChannels, MixedDepth, Rotated,
    ];
}
