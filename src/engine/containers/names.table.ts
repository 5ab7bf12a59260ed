// Words for names: good moods, and people of science and engineering.

export const adjectives = (
  "able agile alert amber ample apt ardent artful astute aware balmy blithe bold brave breezy bright brisk calm candid careful " +
  "cheerful civil clear clever cosmic crisp curious daring dashing deft eager earnest easy elated fair fearless fertile festive " +
  "fine fluent fond frank fresh friendly gallant genial gentle gifted glad golden gracious grand handy happy hardy hearty honest " +
  "hopeful humble jaunty jolly jovial keen kind lively logical loyal lucid lucky merry mild mindful modest neat nimble noble open " +
  "patient peaceful playful plucky polite proud prudent quick quiet radiant rapid ready robust rustic serene sharp silent sincere " +
  "smart snug sober solid spry stable steady sturdy subtle sunny swift tender tidy tranquil trusty upbeat valiant vivid warm wise " +
  "witty worthy zesty"
).split(" ");

export const surnames = (
  "abel agnesi aiken airy alhazen ampere anning archimedes aryabhata avogadro babbage backus banach banneker bassi bell bernoulli " +
  "bessel bhabha bohr boltzmann boole borg born bose boyle brahe brahmagupta brunel cantor carnot carson cauchy cayley celsius cerf " +
  "chandra chebyshev clarke cohen conway copernicus cori coulomb cray crick curie cuvier dalton darwin davy dedekind descartes dirac " +
  "doppler drake edison ehrlich einstein elion engelbart erdos euclid euler faraday fermat fermi feynman fibonacci fleming floyd " +
  "fourier franklin fresnel galileo galois gauss germain gibbs godel goodall haber halley hamilton harvey hawking heaviside heisenberg " +
  "henry hertz hilbert hodgkin hooke hopper hubble humboldt huygens hypatia jacobi johnson joliot joule kalman kelvin kepler khayyam " +
  "kilby knuth koch kolmogorov kovalevskaya lagrange lamarr lamport laplace lavoisier leakey leavitt legendre leibniz leonardo lie " +
  "linnaeus lise lorentz lovelace mach marconi maxwell mayer mccarthy mcclintock meitner mendel mendeleev milner mirzakhani moore " +
  "morse nash naur newton nightingale nobel noether noyce ohm oppenheimer pascal pasteur pauling pavlov perlman planck poincare poisson " +
  "ptolemy pythagoras ramanujan raman rankine ride riemann ritchie roentgen rubin russell rutherford sagan salk schrodinger shannon " +
  "shockley snell sommerville steele stokes strutt sutherland swirles tesla thales thompson torvalds turing volta vonneumann wallace " +
  "watt weber wegener weyl wiener wilkes wirth wozniak wright wu yalow yonath young zuse"
).split(" ");
