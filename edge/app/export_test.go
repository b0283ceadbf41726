package app

// Doctor is what lumo-edge doctor does, by another clock.
var Doctor = doctor
