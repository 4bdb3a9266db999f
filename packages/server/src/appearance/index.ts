export { Appearance } from './appearance.ts'
export { presentAppearance } from './present.ts'
export { type AgentLookup, appearanceRoutes } from './routes.ts'
