export { containing, isUuid, SearchQuery } from './query.ts'
export { refuseUnknown } from './refuse-unknown.ts'
