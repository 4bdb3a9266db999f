export { behindExperiments } from './experiments.ts'
export { experimentRoutes } from './routes.ts'
