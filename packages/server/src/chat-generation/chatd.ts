import { systemActor } from '../authz/index.ts'

/** Who carries chats on. */
export const CHATD = systemActor('chatd', 'runs carry the chats of all users on')
