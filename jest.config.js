// ESM sources, run by Jest as CommonJS: swc turns our .ts and the ESM-only packages into CommonJS.
// So no experimental flag is needed, and top-level await is allowed in main.ts only, which no test imports.
const swc = (syntax) => [
  '@swc/jest',
  {
    swcrc: false,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: syntax === 'typescript' ? { syntax, decorators: true } : { syntax },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    },
  },
];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform: { '^.+\\.ts$': swc('typescript'), '^.+\\.m?js$': swc('ecmascript') },
  // Add a further ESM-only dependency here when Jest says "Must use import to load ES Module".
  transformIgnorePatterns: ['/node_modules/(?!(@nestjs|jose|load-esm|uuid)/)'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // The second must come before amqplib, as it does in the product; the clients of the tests load amqplib too.
  setupFiles: ['reflect-metadata', '<rootDir>/src/messaging/broker/header-tables.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  maxWorkers: 2,
  testTimeout: 180_000,
};
