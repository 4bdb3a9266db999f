export { findNamedGroup } from './find-groups.ts'
export { presentGroup, presentReducedUser } from './present.ts'
export { groupRoutes } from './routes.ts'
export {
  type GroupRow,
  type Guard,
  getGroup,
  listGroupsByIds,
  listGroupsOfOrganization,
} from './store/groups.ts'
export type { RosterUser } from './store/members.ts'
export { withMembers } from './with-members.ts'
