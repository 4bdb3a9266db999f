import { SITE_ROLES } from '../authz/index.ts'
import type { Config } from '../config/index.ts'
import type { SiteRoleSync } from './plan.ts'

/** The sync of site roles, which only the options of the deployment set. */
export function siteRoleSync(config: Config): SiteRoleSync {
  const mapping = Object.entries(config.oidcUserRoleMapping).map(([value, roles]) => [value, [...roles]])
  return {
    field: config.oidcUserRoleField,
    mapping: Object.fromEntries(mapping),
    defaults: config.oidcUserRoleDefault,
  }
}

/** Site roles that can be given; everybody has `member`. */
export const ASSIGNABLE_SITE_ROLES: ReadonlySet<string> = new Set(
  Object.keys(SITE_ROLES).filter((name) => name !== 'member'),
)
