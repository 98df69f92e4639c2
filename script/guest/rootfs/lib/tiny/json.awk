# Prints every string, number and literal under one key of the outermost JSON object, decoded, one after another:
#   awk -v key=public_keys -f json.awk meta_data.json
# Where keys stand, how they are spaced, and what names nested objects use makes no difference. Malformed JSON: status 1.

function fail() {
    broken = 1
    exit 1
}

# Takes N hexadecimal digits off the front of the text.
function hex(n,    value) {
    for (value = 0; n > 0; n--) {
        value = value * 16 + index("0123456789abcdef", tolower(substr(text, 1, 1))) - 1
        text = substr(text, 2)
    }
    return value
}

# The character of a \u escape whose digits come next, as UTF-8 bytes.
function unicode(    code) {
    code = hex(4)
    if (code >= 55296 && code < 56320 && substr(text, 1, 2) == "\\u") { # first half of a surrogate pair
        text = substr(text, 3)
        code = (code - 55296) * 1024 + hex(4) - 56320 + 65536
    }
    if (code < 128) return sprintf("%c", code)
    if (code < 2048) return sprintf("%c%c", 192 + int(code / 64), 128 + code % 64)
    if (code < 65536) return sprintf("%c%c%c", 224 + int(code / 4096), 128 + int(code / 64) % 64, 128 + code % 64)
    return sprintf("%c%c%c%c", 240 + int(code / 262144), 128 + int(code / 4096) % 64, 128 + int(code / 64) % 64, 128 + code % 64)
}

# Takes a string off the text, whose opening quote is already gone.
function string(    value, mark) {
    value = ""
    while (match(text, /["\\]/)) {
        value = value substr(text, 1, RSTART - 1)
        mark = substr(text, RSTART, 1)
        text = substr(text, RSTART + 1)
        if (mark == "\"") return value
        mark = substr(text, 1, 1)
        text = substr(text, 2)
        value = value (mark == "u" ? unicode() : mark in escapes ? escapes[mark] : mark)
    }
    fail()
}

BEGIN {
    escapes["n"] = "\n"; escapes["r"] = "\r"; escapes["t"] = "\t"; escapes["b"] = "\b"; escapes["f"] = "\f"
}

{ text = text $0 "\n" }

END {
    if (broken) exit 1
    depth = 0
    while (1) {
        sub(/^[ \t\r\n]+/, "", text)
        if (text == "") break
        c = substr(text, 1, 1)
        if (c ~ /[{}:,]/ || c == "[" || c == "]") {
            text = substr(text, 2)
            if (c == "{" || c == "[") within[++depth] = c
            if (c == "}" || c == "]") depth--
            naming = (c == "{" || c == ",") && within[depth] == "{"
        } else {
            if (c == "\"") {
                text = substr(text, 2)
                value = string()
            } else if (match(text, /^[-+.A-Za-z0-9]+/)) {
                value = substr(text, 1, RLENGTH)
                text = substr(text, RLENGTH + 1)
            } else fail()
            if (naming && depth == 1) name = value
            if (!naming && depth > 0 && name == key) print value
        }
    }
    exit depth != 0
}
