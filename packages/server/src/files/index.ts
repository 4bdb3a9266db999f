export { checkTar } from './check-tar.ts'
export { fileRoutes } from './routes.ts'
export { type FileRow, getFile, storeFile } from './store.ts'
