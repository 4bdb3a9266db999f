export { countOld, type OldCount } from './count-old.ts'
export { purgeJob } from './purge.ts'
