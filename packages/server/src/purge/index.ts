export { Purge } from './purge.ts'
