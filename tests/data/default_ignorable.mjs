// Prints the table DEFAULT_IGNORABLE of src/otp/typed_characters.rs, from an npm package with the Unicode Character Database:
//
//     npm install --no-save @unicode/unicode-18.0.0
//     node tests/data/default_ignorable.mjs 18.0.0 > table.rs

const version = process.argv[2];
const property = `@unicode/unicode-${version}/Binary_Property/Default_Ignorable_Code_Point/ranges.mjs`;
const { default: ranges } = await import(property);

const character = (codePoint) => `'\\u{${codePoint.toString(16)}}'`;
console.log(`/// The ranges of \`Default_Ignorable_Code_Point\` in Unicode ${version}: first and last, in order.`);
console.log(`const DEFAULT_IGNORABLE: [(char, char); ${ranges.length}] = [`);
for (const { begin, end } of ranges) {
  console.log(`(${character(begin)}, ${character(end - 1)}),`);
}
console.log('];');
