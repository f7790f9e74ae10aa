// A stroke font: each character is a few polylines on a grid 5 wide and 9 high (x from the left,
// y from the top; capitals and digits from 0 to the base line at 6, small letters from 2,
// descenders to 8). A point is two digits, xy; a space ends a stroke. Drawn by Canvas.Line, it
// scales to any size and needs no font of the system.
namespace Dl.Training;

internal static class CurvesFont
{
    /// <summary>Grid units from one character to the next.</summary>
    public const float Advance = 6;

    /// <summary>What stands for characters that are not here.</summary>
    private const string Box = "0040460600";

    /// <summary>From the space (32) to the tilde (126), in the order of ASCII.</summary>
    private static readonly string[] Glyphs =
    [
        "", "2024 2626", "1012 3032", "1016 3036 0242 0444",
        "413010010213334445361605 2027", "0640 0101 4545", "4602011021220405162644", "2022",
        "30212536", "10212516", "0244 4204 2125", "0343 2125", "2527", "0343", "2626", "0640",
        "103041453616050110", "112026 1636", "01103041420646", "011030414233 13334445361605",
        "36300444", "400003334445361605", "413010010516364544331304", "004016",
        "103041423313020110 1304051636454433", "051636454130100102133342",
        "2323 2626", "2323 2527", "410346", "0242 0444", "014306", "01103041422324 2626",
        "4616050110304144342232 3234", "062046 1434", "003041423303 3344453606 0006",
        "4130100105163645", "002042442606 0006", "40000646 0333", "400006 0333",
        "41301001051636454323", "0006 4046 0343", "1030 2026 1636", "3035261605",
        "0006 4003 1346", "000646", "0600234046", "06004640", "103041453616050110",
        "06003041423303", "103041453616050110 3446", "06003041423303 2346",
        "413010010213334445361605", "0040 2026", "000516364540", "002640", "0016233640",
        "0046 4006", "002340 2326", "00400646", "30202636", "0046", "10202616", "022042",
        "0747", "1021", "12324346 441405163645", "0006 0312324345361605", "4332120305163645",
        "4046 4332120305163645", "04444332120305163645", "40302126 0242",
        "4247381807 4332120305163645", "0006 0312324346", "2226 2020", "32372818 3030",
        "0006 4204 1346", "2026", "0602 03122326 23324346", "0602 0312324346",
        "123243453616050312", "0208 0312324345361605", "4248 4332120305163645", "0602 03123243",
        "43321203143445361605", "20253646 0242", "0205163645 4246", "022642", "0216243642",
        "0246 4206", "0226 4208", "02420646", "30212213242536", "2027", "10212233242516",
        "0312233342",
    ];

    /// <summary>Strokes of a character, each a list of points in grid units.</summary>
    public static IEnumerable<(float X, float Y)[]> Strokes(char character)
    {
        int index = character - ' ';
        string glyph = index >= 0 && index < Glyphs.Length ? Glyphs[index] : Box;
        foreach (string stroke in glyph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var points = new (float, float)[stroke.Length / 2];
            for (int i = 0; i < points.Length; i++)
            {
                points[i] = (stroke[2 * i] - '0', stroke[(2 * i) + 1] - '0');
            }
            yield return points;
        }
    }
}
