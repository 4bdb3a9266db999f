export { behindExperiments, enabledExperiments } from './experiments.ts'
export { experimentRoutes } from './routes.ts'
