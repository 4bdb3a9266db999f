import { type Static, Type } from 'typebox'

/** A UUID in its 36-character form. */
export const Uuid = Type.String({ format: 'uuid' })

/** The id of nothing, which is nil; in a request it stands for an optional id that is not given. */
export const NO_ID = '00000000-0000-0000-0000-000000000000'

/** An optional id of a request of which {@link NO_ID} is a value of its own. */
export const IdOrNil = Type.String({ format: 'uuid', 'x-nil': 'value' })

/** RFC 3339 time in UTC; `0001-01-01T00:00:00Z` stands for "never" where a field cannot be null. */
export const Time = Type.String({ format: 'date-time' })

/** Where a reader of a log goes on; ids of lines are exact in JSON. */
export const LogId = Type.Integer({ minimum: -9_007_199_254_740_991, maximum: 9_007_199_254_740_991 })

/** What part of a job's log is asked for, and how (WS-189, WS-304). */
export const JobLogQuery = Type.Object({
  before: Type.Optional(LogId),
  after: Type.Optional(LogId),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  follow: Type.Optional(Type.String()),
  format: Type.Optional(Type.Enum(['json', 'text'])),
})

/** The time that stands for "never" on the wire. */
export const NEVER = '0001-01-01T00:00:00Z'

/** Names of users, workspaces, templates, organizations and roles (ID-4, WS-1). */
export const Name = Type.String({ minLength: 1, maxLength: 32, pattern: '^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$' })

/** The envelope of errors and of success messages (ID-88). */
export const Response = Type.Object({
  message: Type.String(),
  detail: Type.Optional(Type.String()),
  validations: Type.Optional(Type.Array(Type.Object({ field: Type.String(), detail: Type.String() }))),
})
export type Response = Static<typeof Response>

/** Paging of lists: `limit` 0 means all (ID-90). */
export const Pagination = {
  limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
  after_id: Type.Optional(Uuid),
}
