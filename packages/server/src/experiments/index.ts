export { behindExperiments, enabledExperiments, requireExperiments } from './experiments.ts'
export { experimentRoutes } from './routes.ts'
