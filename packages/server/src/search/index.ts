export { containing, isUuid, SearchQuery } from './query.ts'
