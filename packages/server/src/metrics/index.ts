export { addGauge, databaseFigures } from './database-figures.ts'
export { metricsRoutes } from './routes.ts'
