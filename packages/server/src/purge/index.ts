export { countOld, type OldCount } from './count-old.ts'
export { Purge } from './purge.ts'
