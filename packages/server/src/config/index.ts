export type { Config } from './options.ts'
export { helpText, parseConfig } from './parse.ts'
