package imdb

// country is where works, people and studios are from. What it makes differs: in which language, since when, and of which genres.
type country struct {
	name, code, zone string
	language         int
	// weight is its share of works, people and studios; since is its first year.
	weight, since int
	genres        []int
	// studios are what follows the name of a studio.
	studios []string
}

// Languages.
const (
	english = iota
	french
	german
	italian
	japanese
	hindi
	spanish
	portuguese
	korean
	swedish
	danish
	polish
	cantonese
	turkish
	tamil
)

var languages = []string{
	"English", "French", "German", "Italian", "Japanese", "Hindi", "Spanish", "Portuguese", "Korean", "Swedish", "Danish", "Polish", "Cantonese",
	"Turkish", "Tamil",
}

// Genres. Those of low number are frequent everywhere.
const (
	drama = iota
	comedy
	action
	thriller
	romance
	crime
	horror
	adventure
	family
	animation
	mystery
	fantasy
	scienceFiction
	documentary
	musical
	war
	western
	noir
)

var genres = []string{
	"Drama", "Comedy", "Action", "Thriller", "Romance", "Crime", "Horror", "Adventure", "Family", "Animation", "Mystery", "Fantasy",
	"Science Fiction", "Documentary", "Musical", "War", "Western", "Noir",
}

// genreQuality is added to the ratings of a genre, in tenths.
var genreQuality = []int{4, 0, -3, -2, 0, 2, -10, -1, -2, 5, 1, -2, -4, 12, 1, 6, 1, 8}

var countries = []country{
	{"United States", "US", "America", english, 34, 1900, []int{action, comedy, western},
		[]string{"Pictures", "Studios", "Entertainment", "Filmworks Inc."}},
	{"United Kingdom", "GB", "Europe", english, 10, 1900, []int{drama, crime, mystery}, []string{"Films Ltd.", "Pictures", "Television"}},
	{"France", "FR", "Europe", french, 9, 1896, []int{drama, romance, comedy}, []string{"Productions", "Cinema", "Films"}},
	{"Germany", "DE", "Europe", german, 7, 1900, []int{drama, documentary, crime}, []string{"Filmgesellschaft", "Filmproduktion", "Fernsehen"}},
	{"India", "IN", "Asia", hindi, 7, 1915, []int{musical, romance, drama}, []string{"Talkies", "Movies", "Pictures"}},
	{"Japan", "JP", "Asia", japanese, 6, 1908, []int{animation, horror, drama}, []string{"Eiga", "Animation", "Studio"}},
	{"Italy", "IT", "Europe", italian, 5, 1905, []int{western, comedy, horror}, []string{"Cinematografica", "Film", "Produzioni"}},
	{"Spain", "ES", "Europe", spanish, 3, 1910, []int{drama, horror, thriller}, []string{"Cine", "Films", "Producciones"}},
	{"Canada", "CA", "America", english, 4, 1920, []int{documentary, family, horror}, []string{"Films", "Entertainment", "Media Inc."}},
	{"Mexico", "MX", "America", spanish, 2, 1930, []int{drama, musical, romance}, []string{"Cine", "Estudios"}},
	{"Brazil", "BR", "America", portuguese, 2, 1930, []int{drama, romance, comedy}, []string{"Filmes", "Cinematografica"}},
	{"South Korea", "KR", "Asia", korean, 2, 1975, []int{thriller, action, romance}, []string{"Entertainment", "Pictures"}},
	{"Hong Kong", "HK", "Asia", cantonese, 2, 1950, []int{action, crime, comedy}, []string{"Film Co.", "Studios"}},
	{"Sweden", "SE", "Europe", swedish, 2, 1910, []int{crime, drama, family}, []string{"Film AB", "Filmindustri"}},
	{"Denmark", "DK", "Europe", danish, 1, 1910, []int{drama, crime, comedy}, []string{"Film A/S", "Film"}},
	{"Poland", "PL", "Europe", polish, 1, 1925, []int{war, drama, animation}, []string{"Studio Filmowe", "Film"}},
	{"Argentina", "AR", "America", spanish, 1, 1930, []int{drama, noir, romance}, []string{"Cine", "Producciones"}},
	{"Australia", "AU", "Oceania", english, 1, 1925, []int{adventure, drama, horror}, []string{"Films", "Pictures Pty"}},
	{"Turkey", "TR", "Asia", turkish, 1, 1945, []int{drama, romance, war}, []string{"Film", "Yapim"}},
}

// Forms of works, in the order of their ids from 1.
const (
	feature = iota
	episode
	short
	documentaryForm
	series
	game
	special
)

var forms = []string{"feature", "episode", "short", "documentary", "series", "game", "television special"}

// formShares are in per cent, in the same order; formFame multiplies popularity.
var (
	formShares = []int{36, 33, 12, 9, 5, 3, 2}
	formFame   = []float64{1.3, 0.5, 0.4, 0.6, 1.6, 0.8, 0.5}
)

// Kinds of facts and scores.
const (
	factGenre = iota
	factCountry
	factLanguage
	factRuntime
	factColour
	factPlace
	factBudget
	factPlot
	factQuote
	scoreRating
	scoreVotes
	scoreTop
	personBirthplace
	personHeight
	personBiography
	personNickname
)

var factKinds = []string{
	"genre", "country", "language", "runtime", "colour", "filming place", "budget", "plot", "quote", "rating", "votes", "top rank", "birth place",
	"height", "biography", "nickname",
}

// Jobs.
const (
	actor = iota
	actress
	director
	writer
	producer
	composer
	editor
	cinematographer
)

var jobs = []string{"actor", "actress", "director", "writer", "producer", "composer", "editor", "cinematographer"}

// Parts that studios have in works.
const (
	production = iota
	distribution
	effects
	finance
)

var studioParts = []string{"production", "distribution", "effects", "finance"}

// Kinds of links.
const (
	follows = iota
	remakeOf
	references
	spinOff
	versionOf
	features
)

var linkKinds = []string{"follows", "remake of", "references", "spin-off from", "version of", "features"}

var coverageKinds = []string{"cast", "crew", "complete", "complete and verified"}

const (
	coverCast = iota
	coverCrew
	coverComplete
	coverVerified
)

var prizes = []string{
	"Golden Lantern", "Silver Reel", "Harbour Festival Prize", "Critics' Circle Medal", "Crystal Owl", "Audience Ribbon", "Northern Light Award",
	"Bronze Projector", "Jury Laurel", "Young Talent Prize",
}

var media = []string{"cinema", "television", "video tape", "disc", "stream"}

// tagWords are the tags that queries name; each belongs to a genre, by its place in the list. All others are made up.
var tagWords = [][]string{
	drama:          {"family-secret", "small-town", "letter"},
	comedy:         {"mistaken-identity", "wedding", "neighbour"},
	action:         {"car-chase", "martial-arts", "explosion"},
	thriller:       {"conspiracy", "hostage", "double-agent"},
	romance:        {"first-love", "love-triangle", "summer"},
	crime:          {"heist", "detective", "murder"},
	horror:         {"haunted-house", "vampire", "blood"},
	adventure:      {"treasure", "island", "expedition"},
	family:         {"talking-animal", "school", "grandmother"},
	animation:      {"robot", "hand-drawn", "toy"},
	mystery:        {"missing-person", "locked-room", "diary"},
	fantasy:        {"magic", "dragon", "prophecy"},
	scienceFiction: {"time-travel", "spaceship", "alien"},
	documentary:    {"interview", "nature", "archive-footage"},
	musical:        {"dance", "singer", "stage"},
	war:            {"soldier", "bombing", "occupation"},
	western:        {"gunfight", "sheriff", "railroad"},
	noir:           {"femme-fatale", "rain", "private-eye"},
}

// The tags that are not of a genre.
const (
	tagSequel = iota
	tagNovel
	tagHero
	tagCult
	commonTags
)

var commonTagWords = []string{"sequel", "based-on-novel", "superhero", "cult-favourite"}

// titleNouns are, by genre, what titles are about.
var titleNouns = [][]string{
	drama:          {"House", "River", "Silence", "Daughter", "Promise", "Winter"},
	comedy:         {"Neighbours", "Honeymoon", "Uncle", "Picnic", "Trouble", "Holiday"},
	action:         {"Strike", "Fury", "Bullet", "Showdown", "Force", "Thunder"},
	thriller:       {"Trap", "Witness", "Deadline", "Suspect", "Pursuit", "Signal"},
	romance:        {"Kiss", "Heart", "Spring", "Waltz", "Letter", "Rose"},
	crime:          {"Heist", "Alibi", "Verdict", "Syndicate", "Inspector", "Ransom"},
	horror:         {"Shadow", "Blood", "Crypt", "Scream", "Curse", "Cellar"},
	adventure:      {"Voyage", "Treasure", "Summit", "Jungle", "Expedition", "Compass"},
	family:         {"Puppy", "Grandpa", "Treehouse", "Snowman", "Pony", "Parade"},
	animation:      {"Robot", "Toybox", "Balloon", "Kite", "Dragonfly", "Moonrabbit"},
	mystery:        {"Riddle", "Cipher", "Mask", "Attic", "Clue", "Stranger"},
	fantasy:        {"Dragon", "Kingdom", "Wizard", "Sword", "Oracle", "Unicorn"},
	scienceFiction: {"Orbit", "Android", "Nebula", "Paradox", "Colony", "Antenna"},
	documentary:    {"Glacier", "Workers", "Archive", "Harvest", "Coastline", "Portrait"},
	musical:        {"Serenade", "Chorus", "Melody", "Ballroom", "Drum", "Cabaret"},
	war:            {"Front", "Trench", "Convoy", "Siege", "Armistice", "Battalion"},
	western:        {"Canyon", "Outlaw", "Saddle", "Stagecoach", "Prairie", "Rifle"},
	noir:           {"Alley", "Neon", "Midnight", "Cigarette", "Blonde", "Fog"},
}

var (
	titleAdjectives = []string{
		"Last", "Silent", "Broken", "Golden", "Hidden", "Lost", "Red", "Endless", "Strange", "Burning", "Empty", "Second", "Wild", "Secret", "Little",
		"Forgotten",
	}
	titlePlaces = []string{
		"Marseille", "Kyoto", "Montana", "Berlin", "the North", "Lisbon", "the Islands", "Bombay", "Naples", "the Desert", "Harlem", "Seoul",
	}
	numerals = []string{"II", "III", "IV", "V"}

	// givenNames are by gender: m, f.
	givenNames = [][]string{
		{"Adam", "Bruno", "Carlos", "Dmitri", "Edward", "Felix", "George", "Hugo", "Ivan", "James", "Karl", "Luis", "Marco", "Nils", "Oscar", "Pablo",
			"Ravi", "Samuel", "Takeshi", "Viktor", "Walter", "Yusuf"},
		{"Alice", "Beatriz", "Clara", "Diana", "Elena", "Fatma", "Greta", "Hana", "Irene", "Julia", "Kamala", "Lucia", "Maria", "Nora", "Olivia", "Paula",
			"Rosa", "Sofia", "Tamara", "Ursula", "Vera", "Yuki"},
	}
	nameHeads = []string{"Al", "Ber", "Cas", "Dor", "El", "Fer", "Gal", "Har", "Jan", "Kor", "Lind", "Mar", "Nov", "Or", "Pet",
		"Quin", "Ros", "San", "Tor", "Vel", "Wes", "Zim"}
	nameMiddle = []string{"a", "e", "i", "o", "u", "en", "ar", "il"}
	nameTails  = []string{"berg", "court", "dez", "feld", "gren", "kov", "lund", "man", "mura", "nelli", "otti", "quist",
		"ski", "son", "stein", "ton", "vald", "worth"}

	studioWords = []string{
		"Northgate", "Bluebird", "Meridian", "Lanternlight", "Ironwood", "Seven Hills", "Cobalt", "Paper Moon", "Riverside", "Old Harbour", "Kestrel",
		"Juniper", "Atlas", "Saffron", "Twin Oaks", "Polestar", "Redwood", "Magpie", "Halcyon", "Granite",
	}

	figureTitles = []string{"Detective", "Doctor", "Captain", "Queen", "Professor", "Sergeant", "Aunt", "Judge", "Father", "Agent"}
	commonRoles  = []string{"Narrator", "Himself", "Herself", "Policeman", "Waiter", "Nurse", "Soldier", "Bartender",
		"Reporter", "Neighbour", "Dancer", "Guard"}

	plotWords = []string{
		"a", "stranger", "returns", "to", "the", "village", "where", "her", "brother", "vanished", "and", "finds", "an", "old", "map", "that", "nobody",
		"wants", "him", "to", "read", "while", "war", "comes", "closer", "but", "one", "friend", "keeps", "every", "secret",
	}
)
