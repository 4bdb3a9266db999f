import { systemActor } from '../authz/index.ts'

/** Acts for somebody who has shown a provider who they are and has no session yet. */
export const signIn = systemActor('system_restricted', 'who signs in has no session yet to act with')
