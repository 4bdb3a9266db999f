export { Appearance } from './appearance.ts'
export { type AgentLookup, appearanceRoutes } from './routes.ts'
