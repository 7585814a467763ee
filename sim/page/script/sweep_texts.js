// How values of axes are written: short, and each otherwise than all others of its axis.
const longestText = 40;

/// At most so many letters, without what is in the middle: places of files and objects differ at their ends.
function cutInMiddle(text, longest) {
  if (text.length <= longest) return text;
  const kept = longest - 1, before = Math.ceil(kept / 2);
  return text.slice(0, before) + '…' + text.slice(text.length - (kept - before));
}
const numberText = (value, precise) => (Math.abs(value) >= 1000 && Number.isInteger(value) ? grouped(value) : digits(value, precise));
const allDiffer = (texts) => new Set(texts).size === texts.length;

/// Without the letters that all begin and end with, which say nothing of their difference.
function withoutShared(texts) {
  const shortest = Math.min(...texts.map((text) => text.length));
  let before = 0, after = 0;
  while (before < shortest && texts.every((text) => text[before] === texts[0][before])) ++before;
  while (after < shortest - before && texts.every((text) => text[text.length - 1 - after] === texts[0][texts[0].length - 1 - after])) ++after;
  const few = 4;  // for which no "…" is worth it
  [before, after] = [before > few ? before : 0, after > few ? after : 0];
  return texts.map((text) => (before ? '…' : '') + text.slice(before, text.length - after) + (after ? '…' : ''));
}

/// A text for each of these different values, of at most `longest` letters. What cannot be told apart so is counted.
function textsOf(values, longest = longestText) {
  const counted = (texts) => (allDiffer(texts) ? texts : texts.map((text, i) => `${i + 1}: ${text}`));
  const numbers = values.filter((value) => typeof value === 'number');
  let precise = 4;
  while (precise < 17 && !allDiffer(numbers.map((value) => numberText(value, precise)))) ++precise;
  const whole = values.map((value) => (typeof value === 'number' ? numberText(value, precise) :
    typeof value === 'string' ? value : JSON.stringify(value) ?? '–'));
  const long = whole.filter((text) => text.length > longest);
  if (long.length === 0) return counted(whole);
  const cut = whole.map((text) => cutInMiddle(text, longest));
  if (allDiffer(cut)) return cut;
  const differing = new Map(long.length < 2 ? [] : withoutShared(long).map((text, i) => [long[i], text]));
  return counted(whole.map((text) => cutInMiddle(differing.get(text) ?? text, longest)));
}
