/**
 * Stands in for `typebox` in the browser's bundle. The contract's route table builds schemas when it loads;
 * the dashboard reads only methods, paths and (at compile time) types from it, so each builder answers an
 * empty schema here, with the parts that other schemas are made of, and the library stays out of the download.
 */
export const Type: Readonly<Record<string, () => object>> = new Proxy(
  {},
  { get: (_, name) => (name === 'Unsafe' ? () => ({}) : () => ({ properties: {}, enum: [] })) },
)
