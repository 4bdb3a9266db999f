import { badRequest } from '../../errors/index.ts'
import { SearchQuery } from '../../search/index.ts'
import type { UserSearch } from '../store/user-search.ts'

/**
 * Reads a search for users (ID-25).
 *
 * @throws ApiError 400 with one validation for each fault.
 */
export function parseUserSearch(text: string): UserSearch {
  const query = new SearchQuery(text)
  const search = {
    text: query.text,
    name: query.one('name'),
    username: query.one('username'),
    email: query.one('email'),
    statuses: query.choices('status', ['active', 'dormant', 'suspended']),
    roles: query.list('role'),
    loginTypes: query.choices('login_type', LOGIN_TYPES),
    serviceAccount: query.flag('service_account'),
    lastSeenBefore: query.time('last_seen_before'),
    lastSeenAfter: query.time('last_seen_after'),
    createdBefore: query.time('created_before'),
    createdAfter: query.time('created_after'),
    githubId: query.count('github_com_user_id'),
  }
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid user search query.', { validations: faults })
  return search
}

const LOGIN_TYPES = ['password', 'github', 'oidc', 'token', 'none', 'oauth2_provider_app'] as const
