// Makes src/otp/default_ignorable.rs from the Unicode Character Database, which an npm package contains:
//
//     npm install --no-save @unicode/unicode-18.0.0
//     node tests/data/default_ignorable.mjs 18.0.0 > src/otp/default_ignorable.rs && cargo fmt

const version = process.argv[2];
const property = `@unicode/unicode-${version}/Binary_Property/Default_Ignorable_Code_Point/ranges.mjs`;
const { default: ranges } = await import(property);

const character = (codePoint) => `'\\u{${codePoint.toString(16)}}'`;
console.log('//! Made by `tests/data/default_ignorable.mjs`.\n');
console.log(`/// The property \`Default_Ignorable_Code_Point\` of Unicode ${version}: first and last of each range, in order.`);
console.log(`pub(super) const RANGES: [(char, char); ${ranges.length}] = [`);
for (const { begin, end } of ranges) {
  console.log(`(${character(begin)}, ${character(end - 1)}),`);
}
console.log('];');
