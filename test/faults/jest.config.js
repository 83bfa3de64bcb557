import base from '../../jest.config.js';

/** Every fault case, those of `npm test` and the long ones; one after the other, because they measure. */
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/faults/**/*.{spec,faults}.ts'],
  maxWorkers: 1,
  reporters: ['default', '<rootDir>/test/faults/passed-reporter.mjs'],
};
