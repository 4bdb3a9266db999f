export { changeLists } from './change-lists.ts'
export { type GivenRoles, readAccessChange } from './read-change.ts'
export { accessListRoutes } from './routes.ts'
export { listUsersByIds } from './store.ts'
