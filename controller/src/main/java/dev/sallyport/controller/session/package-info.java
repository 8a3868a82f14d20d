/** Sign-ins: {@link dev.sallyport.controller.session.SignInFlow} reads like the steps of one. */
package dev.sallyport.controller.session;
