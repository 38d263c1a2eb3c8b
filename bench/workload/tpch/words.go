package tpch

// The lists of the specification, clauses 4.2.2.13 and 4.2.3.

var regions = []string{"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"}

type nation struct {
	name   string
	region int
}

var nations = []nation{
	{"ALGERIA", 0}, {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1}, {"EGYPT", 4}, {"ETHIOPIA", 0}, {"FRANCE", 3}, {"GERMANY", 3}, {"INDIA", 2},
	{"INDONESIA", 2}, {"IRAN", 4}, {"IRAQ", 4}, {"JAPAN", 2}, {"JORDAN", 4}, {"KENYA", 0}, {"MOROCCO", 0}, {"MOZAMBIQUE", 0}, {"PERU", 1},
	{"CHINA", 2}, {"ROMANIA", 3}, {"SAUDI ARABIA", 4}, {"VIETNAM", 2}, {"RUSSIA", 3}, {"UNITED KINGDOM", 3}, {"UNITED STATES", 1},
}

var (
	segments     = []string{"AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"}
	priorities   = []string{"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"}
	instructions = []string{"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"}
	modes        = []string{"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"}

	types = product(
		[]string{"STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"}, []string{"ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"},
		[]string{"TIN", "NICKEL", "BRASS", "STEEL", "COPPER"})
	containers = product([]string{"SM", "LG", "MED", "JUMBO", "WRAP"}, []string{"CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM"})
)

var colours = []string{
	"almond", "antique", "aquamarine", "azure", "beige", "bisque", "black", "blanched", "blue", "blush", "brown", "burlywood", "burnished",
	"chartreuse", "chiffon", "chocolate", "coral", "cornflower", "cornsilk", "cream", "cyan", "dark", "deep", "dim", "dodger", "drab",
	"firebrick", "floral", "forest", "frosted", "gainsboro", "ghost", "goldenrod", "green", "grey", "honeydew", "hot", "indian", "ivory",
	"khaki", "lace", "lavender", "lawn", "lemon", "light", "lime", "linen", "magenta", "maroon", "medium", "metallic", "midnight", "mint",
	"misty", "moccasin", "navajo", "navy", "olive", "orange", "orchid", "pale", "papaya", "peach", "peru", "pink", "plum", "powder",
	"puff", "purple", "red", "rose", "rosy", "royal", "saddle", "salmon", "sandy", "seashell", "sienna", "sky", "slate", "smoke", "snow",
	"spring", "steel", "tan", "thistle", "tomato", "turquoise", "violet", "wheat", "white", "yellow",
}

// product joins every word of the first list with every word of the next, and so on.
func product(lists ...[]string) []string {
	out := lists[0]
	for _, list := range lists[1:] {
		var longer []string
		for _, head := range out {
			for _, tail := range list {
				longer = append(longer, head+" "+tail)
			}
		}
		out = longer
	}
	return out
}

// The words of comments are our own, but for those that queries look for: special, requests, Customer, Complaints. The noun is there
// three times, so that one order in a hundred has special requests, as in data of the TPC.
var (
	nouns = []string{
		"requests", "requests", "requests", "parcels", "ledgers", "couriers", "harbours", "invoices", "crates", "orders",
		"bargains", "samples", "warehouses", "accounts",
		"refunds", "agents", "pallets", "receipts", "shelves", "drivers", "auditors", "catalogues", "windows", "kettles", "lanterns", "barrels",
		"tailors", "gardens",
	}
	adjectives = []string{
		"special", "quiet", "late", "sturdy", "hollow", "amber", "patient", "spare", "narrow", "brittle", "honest", "frozen", "humble", "plain",
		"costly", "eager", "idle", "loose", "modest", "rapid",
	}
	adverbs = []string{
		"seldom", "calmly", "nearly", "twice", "gladly", "barely", "openly", "soon", "neatly", "firmly", "kindly", "often", "slowly", "rarely",
	}
	verbs = []string{
		"wait", "return", "travel", "arrive", "settle", "bundle", "mend", "count", "weigh", "store", "deliver", "replace", "promise", "unload",
		"sort", "doze", "repeat", "gather",
	}
	prepositions = []string{"beside", "under", "behind", "without", "along", "between", "despite", "after", "near", "towards", "above", "among"}
	articles     = []string{"the", "all", "some", "no", "these", "their"}
	ends         = []string{".", ".", ".", ";", ":", "!", "?", " --"}
)
