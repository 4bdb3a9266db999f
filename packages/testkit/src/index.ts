export { createTestDatabase, openDatabase, type TestDatabase, withDatabase } from './postgres.ts'
